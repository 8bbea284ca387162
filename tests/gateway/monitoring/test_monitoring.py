"""Monitoring over generated studies: a known shift raises the alarm, and none does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import stats
from tests.gateway.installation import Installation, Person

from gateway.jobs.models import Job, JobKind
from gateway.reviews.models import StudyReview
from gateway.settings import GatewaySettings
from gateway.studies.models import Study, StudyState, Urgency
from ictus.domain.enums import Disposition, Finding, JobState, Modality, Priority, ReviewState, Role

MONITORING = "/api/v1/monitoring"
DAYS, REFERENCE_DAYS = 30, 90
SEED = 20261124


@pytest.fixture
def admin(installation: Installation) -> Person:
    return installation.add_person(Role.ADMIN)


@pytest.fixture
def browser(admin: Person) -> TestClient:
    return admin.sign_in()


class Generated:
    """Studies with given values, spread over a window's days."""

    def __init__(self, installation: Installation, site_id: UUID) -> None:
        self._installation = installation
        self.site_id = site_id
        self.random = np.random.default_rng(SEED)

    def add(
        self,
        count: int,
        *,
        current: bool,
        probability: tuple[float, float] = (0.4, 1.2),
        novelty: float = 0.5,
        modality: Modality = Modality.CT,
        uncertain_share: float = 0.2,
        site_id: UUID | None = None,
        intensity: float | None = None,
        contrast: float = 0.22,
        scanners: tuple[str, ...] = (),
    ) -> None:
        """Beta-distributed probabilities; novelties around ``novelty``; reference or current days."""
        days = DAYS if current else REFERENCE_DAYS
        newest = self._installation.clock() - timedelta(days=0 if current else DAYS)
        studies = []
        for number in range(count):
            uncertain = bool(self.random.random() < uncertain_share)
            studies.append(
                Study(
                    id=uuid4(),
                    site_id=site_id or self.site_id,
                    content_sha256=uuid4().bytes,
                    study_uid=f"2.25.{uuid4().int}",
                    modality=modality,
                    priority=Priority.ROUTINE,
                    hold_reasons=[],
                    left_out=[],
                    uploaded_by=uuid4(),
                    received_at=newest - timedelta(days=number % days),
                    state=StudyState.COMPLETED,
                    urgency=Urgency.NO_STROKE_FOUND,
                    disposition=Disposition.UNCERTAIN if uncertain else Disposition.CONFIDENT,
                    finding=Finding.NORMAL,
                    stroke_probability=float(self.random.beta(*probability)),
                    novelty=float(abs(self.random.normal(novelty, 0.15))),
                    intensity_mean=None if intensity is None else float(self.random.normal(intensity, 0.02)),
                    intensity_deviation=None
                    if intensity is None
                    else float(self.random.normal(contrast, 0.01)),
                    scanner=str(self.random.choice(scanners)) if scanners else None,
                )
            )
        with self._installation.resources.sessions.begin() as session:
            session.add_all(studies)

    def judge(self, count: int, agreed: int, *, current: bool) -> None:
        """Decided reviews of as many studies, on one day of the window."""
        decided_at = self._installation.clock() - timedelta(days=2 if current else DAYS + 10)
        with self._installation.resources.sessions.begin() as session:
            studies = session.query(Study).filter(Study.site_id == self.site_id).limit(count).all()
            for number, study in enumerate(studies):
                job = Job(
                    id=uuid4(),
                    study_id=study.id,
                    kind=JobKind.PRIMARY,
                    state=JobState.COMPLETED,
                    priority=Priority.ROUTINE,
                    requested_by=uuid4(),
                    created_at=decided_at,
                    not_before=decided_at,
                    attempt=1,
                    fence=1,
                    cancel_requested=False,
                    done=0,
                    total=0,
                )
                session.add(job)
                session.flush()
                session.add(
                    StudyReview(
                        job_id=job.id,
                        study_id=study.id,
                        state=ReviewState.FINAL,
                        revision=1,
                        finding=Finding.NORMAL,
                        agrees_with_model=number < agreed,
                        reader_ids=[uuid4()],
                        decided_at=decided_at,
                    )
                )


@pytest.fixture
def generated(installation: Installation, admin: Person) -> Generated:
    return Generated(installation, admin.site_id)


def look(browser: TestClient, **wanted: object) -> dict[str, Any]:
    answer = browser.get(MONITORING, params={"days": DAYS, "reference_days": REFERENCE_DAYS, **wanted})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def drift_of(told: dict[str, Any], figure: str) -> dict[str, Any]:
    found: dict[str, Any] = next(drift for drift in told["drifts"] if drift["figure"] == figure)
    return found


def test_no_shift_raises_no_alarm(browser: TestClient, generated: Generated) -> None:
    generated.add(600, current=False)
    generated.add(200, current=True)
    told = look(browser)
    assert told["alarms"] == []
    for figure in ("stroke_probability", "novelty", "uncertainty", "disposition"):
        drift = drift_of(told, figure)
        assert (drift["reference_count"], drift["current_count"], drift["alarm"]) == (600, 200, False), figure
        assert drift["psi"] < 0.2
        assert "no shift" in drift["sentence"]


SCANNED: dict[str, Any] = {
    "intensity": 0.55,
    "scanners": ("SIEMENS SOMATOM Force, Hr38", "SIEMENS SOMATOM Force, Hr38", "Philips iCT 256, UB"),
}


def test_the_same_scanners_and_the_same_heads_raise_no_alarm(
    browser: TestClient, generated: Generated
) -> None:
    generated.add(600, current=False, **SCANNED)
    generated.add(200, current=True, **SCANNED)
    told = look(browser)
    assert told["alarms"] == []
    for figure in ("intensity", "contrast", "scanner"):
        drift = drift_of(told, figure)
        assert (drift["reference_count"], drift["current_count"], drift["alarm"]) == (600, 200, False), figure
        assert drift["psi"] < 0.2
    assert [one["name"] for one in drift_of(told, "scanner")["categories"]] == [
        "SIEMENS SOMATOM Force, Hr38",
        "Philips iCT 256, UB",
    ]
    assert all(0.5 < day["mean_intensity"] < 0.6 for day in told["days"])


@pytest.mark.parametrize(
    ("shifted", "figure", "said"),
    [
        ({"intensity": 0.58}, "intensity", "How bright the heads are"),
        ({"contrast": 0.235}, "contrast", "The contrast within the heads"),
        (
            {"scanners": ("Philips iCT 256, UB", "GE Revolution CT, STANDARD")},
            "scanner",
            "Most of it is SIEMENS SOMATOM Force, Hr38: 6",
        ),
    ],
)
def test_a_shift_of_the_input_raises_its_alarm_at_the_site_where_it_is(
    installation: Installation,
    browser: TestClient,
    generated: Generated,
    shifted: dict[str, Any],
    figure: str,
    said: str,
) -> None:
    other = installation.add_site("Elsewhere")
    for site_id, now in ((generated.site_id, SCANNED), (other, SCANNED | shifted)):
        generated.add(300, current=False, site_id=site_id, **SCANNED)
        generated.add(100, current=True, site_id=site_id, **now)
    raised = {(alarm["figure"], alarm["site_name"]): alarm["sentence"] for alarm in look(browser)["alarms"]}
    assert {name for name, _ in raised} == {figure}
    assert (figure, "Elsewhere") in raised
    assert said in raised[(figure, "Elsewhere")]
    assert {site for _, site in raised} <= {"Elsewhere", None}


def test_rare_scanners_are_taken_together(browser: TestClient, generated: Generated) -> None:
    many = tuple(f"Maker Model {number:02}" for number in range(30))
    generated.add(300, current=False, scanners=many)
    generated.add(100, current=True, scanners=many)
    drift = drift_of(look(browser), "scanner")
    assert len(drift["categories"]) == 10
    assert drift["categories"][-1]["name"] == "21 others"
    assert sum(one["reference"] for one in drift["categories"]) == 300
    assert drift["alarm"] is False


def test_studies_of_before_scanner_and_intensity_were_kept_are_not_counted_for_them(
    browser: TestClient, generated: Generated
) -> None:
    generated.add(600, current=False)
    generated.add(200, current=True, **SCANNED)
    told = look(browser)
    assert told["alarms"] == []
    drift = drift_of(told, "intensity")
    assert (drift["reference_count"], drift["psi"]) == (0, None)
    assert drift["sentence"].startswith("Too few studies")


@pytest.mark.parametrize(
    ("shifted", "figures"),
    [
        ({"novelty": 0.9}, {"novelty"}),
        ({"probability": (2.0, 1.0)}, {"stroke_probability"}),
        ({"uncertain_share": 0.6}, {"disposition"}),
    ],
)
def test_a_shift_raises_the_alarm_of_its_figure_and_of_no_other(
    browser: TestClient, generated: Generated, shifted: dict[str, Any], figures: set[str]
) -> None:
    generated.add(600, current=False)
    generated.add(200, current=True, **shifted)
    told = look(browser)
    raised = {alarm["figure"] for alarm in told["alarms"]}
    assert figures <= raised <= figures | ({"uncertainty"} if "stroke_probability" in figures else set())
    assert {(alarm["site_id"], alarm["modality"]) for alarm in told["alarms"]} == {
        (None, None),
        (str(generated.site_id), "CT"),
    }
    assert "chance does not explain" in told["alarms"][0]["sentence"]


def test_the_ks_distance_is_that_of_scipy(
    installation: Installation, browser: TestClient, generated: Generated
) -> None:
    generated.add(300, current=False)
    generated.add(120, current=True, novelty=0.6)
    drift = drift_of(look(browser), "novelty")
    middle = installation.clock() - timedelta(days=DAYS)
    with installation.resources.sessions() as session:
        rows = session.query(Study.received_at, Study.novelty).all()
    before = [value for at, value in rows if at <= middle]
    now = [value for at, value in rows if at > middle]
    expected = stats.ks_2samp(before, now)
    assert drift["ks"] == pytest.approx(expected.statistic, abs=1e-9)
    assert sum(drift["distribution"]["reference"]) == 300
    assert (
        drift["distribution"]["current"]
        == np.histogram(np.minimum(now, 1.999), bins=drift["distribution"]["edges"])[0].tolist()
    )


def test_values_that_are_equal_are_no_distance(browser: TestClient, generated: Generated) -> None:
    """Ties are taken together: a sample of one value against itself."""
    generated.add(80, current=False)
    generated.add(80, current=True)
    with generated._installation.resources.sessions.begin() as session:
        session.query(Study).update({Study.novelty: 0.5})
    assert drift_of(look(browser), "novelty")["ks"] == 0


def test_too_few_studies_are_not_judged(browser: TestClient, generated: Generated) -> None:
    generated.add(600, current=False)
    generated.add(10, current=True, novelty=3.0)
    drift = drift_of(look(browser), "novelty")
    assert (drift["psi"], drift["ks"], drift["alarm"]) == (None, None, False)
    assert drift["sentence"].startswith("Too few studies to tell (10 studies now, 600 before")


def test_each_site_and_modality_is_judged_by_itself(
    installation: Installation, browser: TestClient, generated: Generated
) -> None:
    other = installation.add_site("Elsewhere")
    for site_id, novelty in ((generated.site_id, 0.5), (other, 0.95)):
        generated.add(300, current=False, site_id=site_id)
        generated.add(100, current=True, site_id=site_id, novelty=novelty)
    generated.add(60, current=True, modality=Modality.MR)
    told = look(browser)
    groups = {(group["site_name"], group["modality"]): group["received"] for group in told["groups"]}
    assert groups[("Elsewhere", "CT")] == 100
    assert sorted(groups.values()) == [60, 100, 100]
    grouped = {(alarm["site_name"], alarm["modality"]) for alarm in told["alarms"] if alarm["site_id"]}
    assert grouped == {("Elsewhere", "CT")}
    here = look(browser, site_id=str(generated.site_id), modality="CT")
    assert [group["received"] for group in here["groups"]] == [100]
    assert here["alarms"] == []


def test_every_day_is_there_with_what_came_and_what_became_of_it(
    browser: TestClient, generated: Generated
) -> None:
    generated.add(60, current=True)
    days = look(browser)["days"]
    assert len(days) == DAYS
    assert [day["received"] for day in days] == [2] * DAYS
    assert sum(day["dispositions"]["uncertain"] + day["dispositions"]["confident"] for day in days) == 60
    assert all(0 < day["mean_uncertainty"] < 1 for day in days)


def test_a_fall_of_the_readers_agreement_raises_the_alarm(browser: TestClient, generated: Generated) -> None:
    generated.add(120, current=True)
    generated.judge(100, 92, current=False)
    generated.judge(60, 57, current=True)
    assert drift_of(look(browser), "agreement")["alarm"] is False
    generated.judge(60, 10, current=True)
    told = look(browser)
    drift = drift_of(told, "agreement")
    assert (drift["alarm"], drift["current_count"], drift["reference_count"]) == (True, 120, 100)
    assert "agreement" in {alarm["figure"] for alarm in told["alarms"]}
    assert [(week["decided"], week["agreed"]) for week in told["agreement"]] == [(100, 92), (120, 67)]


def test_an_installation_without_studies_has_a_page(browser: TestClient) -> None:
    told = look(browser)
    assert (told["drifts"], told["groups"], told["alarms"]) == ([], [], [])
    assert sum(day["received"] for day in told["days"]) == 0


def test_only_administrators_look_and_a_site_must_exist(
    installation: Installation, browser: TestClient
) -> None:
    for role in (Role.CLINICIAN, Role.RADIOLOGIST):
        assert installation.add_person(role).sign_in().get(MONITORING).status_code == 403
    unknown = browser.get(MONITORING, params={"site_id": str(uuid4())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "site_not_found")
    assert installation.audit()[-1].action == "monitoring.read"


class TestWithOtherLimits:
    """An installation that wants to hear of the slightest shift."""

    @pytest.fixture
    def settings(self, make_settings: Callable[..., GatewaySettings]) -> GatewaySettings:
        return make_settings(drift_psi=0.0001, drift_p_value=0.999, drift_least_studies=5)

    def test_what_is_chance_elsewhere_is_an_alarm_here(
        self, browser: TestClient, generated: Generated
    ) -> None:
        generated.add(40, current=False)
        generated.add(20, current=True)
        told = look(browser)
        assert told["limits"]["least_studies"] == 5
        assert drift_of(told, "novelty")["alarm"] is True
