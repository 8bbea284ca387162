"""A challenger beside the champion: shadow jobs that nothing shows of, and canaries that cost no study its answer."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, Person
from tests.gateway.learning import arrange

from gateway.events.models import EventRow
from gateway.jobs.models import Job, JobKind
from gateway.jobs.sweep import sweep
from gateway.results.models import OutboxMessage, Result
from gateway.rollout.plan import is_in_share
from gateway.studies.models import ObjectRemoval, Study
from ictus.contracts.jobs import JOB_CANCELLED, MODEL_VERSION_UNAVAILABLE, AnalyzeStudy, FailJob
from ictus.domain.enums import Disposition, Finding, JobState, Priority, Role, RolloutMode, Stage

ROLLOUT = "/api/v1/models/rollout"


@pytest.fixture
def admin(installation: Installation, site: UUID) -> Person:
    return installation.add_person(Role.ADMIN, site)


@pytest.fixture
def administrator(admin: Person) -> TestClient:
    return admin.sign_in()


def answer(
    worker: Worker,
    job: AnalyzeStudy,
    version: str,
    finding: Finding = Finding.STROKE,
    probability: float = 0.9,
) -> None:
    """Complete a job as this version would."""
    found = prediction(job, finding=finding).model_copy(
        update={"model_version": version, "stroke_probability": probability}
    )
    if not job.stores_objects:
        found = found.model_copy(
            update={
                "series": tuple(
                    series.model_copy(
                        update={
                            "embedding_key": None,
                            "slices": tuple(
                                one.model_copy(update={"overlay_key": None}) for one in series.slices
                            ),
                        }
                    )
                    for series in found.series
                )
            }
        )
    taken = worker.complete(job, found)
    assert taken.status_code == 204, taken.text


def fail(worker: Worker, job: AnalyzeStudy, code: str, *, retryable: bool = False) -> None:
    """Give a job up for this reason."""
    failure = FailJob(
        fence=job.fence, worker_id=worker.name, code=code, detail="It cannot be done.", retryable=retryable
    )
    done = worker.client.post(
        f"/internal/v1/jobs/{job.job_id}/fail",
        content=failure.model_dump_json(),
        headers={"Content-Type": "application/json"},
    )
    assert done.status_code == 204, done.text


def rows(db: Session, table: type) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(table)) or 0


def test_without_a_rollout_every_study_is_the_champions(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    assert (job.model_version, job.stores_objects) == (None, True)
    answer(worker, job, "7")
    assert worker.claim() is None


def test_a_shadow_is_asked_after_the_answer_and_nothing_of_it_shows(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    reader = installation.add_person(Role.CLINICIAN, site).sign_in()
    study_id = add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    before = reader.get(f"/api/v1/studies/{study_id}").json()
    counted = [rows(db, table) for table in (Result, EventRow, OutboxMessage, ObjectRemoval)]
    shadow = worker.must_claim()
    assert (shadow.study_id, shadow.model_version, shadow.stores_objects) == (study_id, "8", False)
    worker.beat(shadow, Stage.CLASSIFYING, 1, 3)
    assert reader.get(f"/api/v1/studies/{study_id}").json() == before
    answer(worker, shadow, "8", Finding.NORMAL, 0.1)
    assert reader.get(f"/api/v1/studies/{study_id}").json() == before
    assert [rows(db, table) for table in (Result, EventRow, OutboxMessage, ObjectRemoval)] == counted
    assert reader.get(ROLLOUT).status_code == 403


def test_the_agreement_report_counts_what_both_said(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    stroke, normal = Finding.STROKE, Finding.NORMAL
    said = [(stroke, stroke, 0.9, 0.8), (stroke, stroke, 0.9, 0.9), (normal, normal, 0.1, 0.2)]
    said.append((stroke, normal, 0.75, 0.25))
    for champion, challenger, seen, unseen in said:
        last = add_study(installation, site)
        answer(worker, worker.must_claim(), "7", champion, seen)
        answer(worker, worker.must_claim(), "8", challenger, unseen)
        installation.clock.advance(seconds=1)
    elsewhere = add_study(installation, installation.add_site())
    answer(worker, worker.must_claim(), "7", stroke, 0.9)
    answer(worker, worker.must_claim(), "8", normal, 0.2)
    report = administrator.get(ROLLOUT).json()["agreement"]
    assert (report["champion"], report["challenger"], report["studies"]) == ("7", "8", 5)
    assert report["same_finding"] == pytest.approx(3 / 5)
    assert report["kappa"] == pytest.approx((5 * 3 - 11) / (25 - 11))
    assert {"champion": "stroke", "challenger": "normal", "studies": 2} in report["findings"]
    difference = report["difference"]
    assert difference["mean"] == pytest.approx((-0.1 + 0 + 0.1 - 0.5 - 0.7) / 5)
    assert difference["mean_absolute"] == pytest.approx(1.4 / 5)
    assert difference["largest"] == pytest.approx(0.7)
    assert difference["median_absolute"] == pytest.approx(0.1)
    listed = administrator.get(f"{ROLLOUT}/disagreements").json()
    assert [one["study_id"] for one in listed["items"]] == [str(last)], "another site's studies stay there"
    assert str(elsewhere) not in str(listed)
    (one,) = listed["items"]
    assert (one["champion_finding"], one["challenger_probability"]) == ("stroke", 0.25)


def test_disagreements_are_paged(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    for _ in range(3):
        add_study(installation, site)
        answer(worker, worker.must_claim(), "7", Finding.STROKE)
        answer(worker, worker.must_claim(), "8", Finding.NORMAL)
        installation.clock.advance(seconds=1)
    first = administrator.get(f"{ROLLOUT}/disagreements", params={"limit": 2}).json()
    rest = administrator.get(
        f"{ROLLOUT}/disagreements", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json()
    times = [one["compared_at"] for one in first["items"] + rest["items"]]
    assert (len(times), times) == (3, sorted(times, reverse=True))
    assert rest["next_cursor"] is None


def test_a_primary_job_comes_before_every_shadow(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site, Priority.STAT)
    answer(worker, worker.must_claim(), "7")
    installation.clock.advance(seconds=30)
    later = add_study(installation, site, Priority.ROUTINE)
    assert worker.must_claim().study_id == later


def test_a_running_shadow_gives_way_and_is_done_later(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    for _ in range(4):  # more often than a job may fail
        shadow = worker.must_claim()
        assert not shadow.stores_objects
        assert not worker.beat(shadow, Stage.CLASSIFYING).cancel_requested
        urgent = add_study(installation, site, Priority.STAT)
        assert worker.beat(shadow, Stage.CLASSIFYING).cancel_requested
        fail(worker, shadow, JOB_CANCELLED)
        job = worker.must_claim()
        assert job.study_id == urgent
        answer(worker, job, "6")  # another champion's: it asks for no second opinion
    answer(worker, worker.must_claim(), "8")
    assert administrator.get(ROLLOUT).json()["agreement"]["studies"] == 1


def test_a_shadow_that_fails_leaves_the_study_as_it_is(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient, db: Session
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    study_id = add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    for _ in range(3):
        worker.must_claim()
        installation.clock.now += timedelta(seconds=installation.resources.settings.lease_seconds + 1)
        sweep(installation.resources)
        installation.clock.advance(seconds=200)
    assert worker.claim() is None
    study = db.get(Study, study_id)
    assert study is not None
    assert (study.state, study.finding) == ("completed", Finding.STROKE)
    assert db.scalars(select(Job.state).where(Job.kind == JobKind.SHADOW)).all() == [JobState.FAILED]
    assert administrator.get("/api/v1/admin/jobs/failed").json()["items"] == []
    queue = administrator.get("/api/v1/admin/jobs/queue").json()
    assert (queue["failed"], queue["queued"]) == (0, 0)


def test_a_shadow_whose_version_no_worker_can_have_ends_at_once(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    fail(worker, worker.must_claim(), MODEL_VERSION_UNAVAILABLE, retryable=True)
    assert db.scalars(select(Job.state).where(Job.kind == JobKind.SHADOW)).all() == [JobState.FAILED]


def test_shadow_jobs_turn_no_upload_away(installation: Installation, site: UUID, worker: Worker) -> None:
    arrange(installation, RolloutMode.SHADOW)
    for _ in range(3):
        add_study(installation, site)
    for _ in range(3):
        answer(worker, worker.must_claim(), "7")
    administrator = installation.add_person(Role.ADMIN, site).sign_in()
    assert administrator.get("/api/v1/admin/jobs/queue").json()["queued"] == 0
    assert administrator.get(ROLLOUT).json()["agreement"]["waiting"] == 3


def test_a_comparison_that_comes_after_the_rollout_ended_is_dropped(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    shadow = worker.must_claim()
    arrange(installation, RolloutMode.NONE, None)
    answer(worker, shadow, "8")
    arrange(installation, RolloutMode.SHADOW)
    assert administrator.get(ROLLOUT).json()["agreement"]["studies"] == 0


def test_a_shadow_answers_for_its_own_version_alone(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    shadow = worker.must_claim()
    wrong = worker.complete(shadow, prediction(shadow))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "result_mismatch")


def test_a_canarys_studies_name_the_challenger_and_the_champion_is_asked_too(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.CANARY)
    study_id = add_study(installation, site)
    job = worker.must_claim()
    assert (job.model_version, job.stores_objects) == ("8", True)
    answer(worker, job, "8")
    shown = administrator.get(f"/api/v1/studies/{study_id}").json()
    assert shown["result"]["model_version"] == "8", "every prediction names its version"
    second = worker.must_claim()
    assert (second.model_version, second.stores_objects) == ("7", False)
    answer(worker, second, "7", Finding.NORMAL, 0.2)
    assert administrator.get(f"/api/v1/studies/{study_id}").json() == shown
    report = administrator.get(ROLLOUT).json()["agreement"]
    assert (report["studies"], report["findings"][0]["champion"]) == (1, "normal")


def test_a_canary_that_no_worker_can_have_costs_no_study_its_answer(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    arrange(installation, RolloutMode.CANARY)
    study_id = add_study(installation, site)
    fail(worker, worker.must_claim(), MODEL_VERSION_UNAVAILABLE)
    job = worker.must_claim()
    assert (job.study_id, job.model_version, job.attempt) == (study_id, None, 1)


def test_a_canary_whose_worker_dies_is_answered_by_the_champion(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    arrange(installation, RolloutMode.CANARY)
    add_study(installation, site)
    assert worker.must_claim().model_version == "8"
    installation.clock.now += timedelta(seconds=installation.resources.settings.lease_seconds + 1)
    sweep(installation.resources)
    installation.clock.advance(seconds=10)
    job = worker.must_claim()
    assert (job.model_version, job.attempt) == (None, 2)


def test_a_version_that_was_asked_for_is_no_canary(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    study_id = add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    arrange(installation, RolloutMode.CANARY)
    reader = installation.add_person(Role.CLINICIAN, site).sign_in()
    asked = reader.post(f"/api/v1/studies/{study_id}/analyses", json={"model_version": "5"})
    assert asked.status_code in {200, 201, 202}, asked.text
    job = worker.must_claim()
    assert job.model_version == "5"
    answer(worker, job, "5")
    assert worker.claim() is None


def test_a_share_is_stable_and_grows_without_change() -> None:
    studies = [uuid4() for _ in range(2000)]
    tenth = {study for study in studies if is_in_share(study, 0.1)}
    third = {study for study in studies if is_in_share(study, 0.3)}
    assert tenth < third
    assert 120 < len(tenth) < 280  # 200 expected, standard deviation 13
    assert all(is_in_share(study, 1.0) for study in studies)


def test_dispositions_alone_make_a_disagreement(
    installation: Installation, site: UUID, worker: Worker, administrator: TestClient
) -> None:
    arrange(installation, RolloutMode.SHADOW)
    add_study(installation, site)
    answer(worker, worker.must_claim(), "7")
    shadow = worker.must_claim()
    unsure = prediction(shadow, Disposition.UNCERTAIN).model_copy(update={"model_version": "8"})
    assert worker.complete(shadow, unsure).status_code == 204
    report = administrator.get(ROLLOUT).json()["agreement"]
    assert (report["same_finding"], report["same_disposition"], report["kappa"]) == (1.0, 0.0, None)
    assert len(administrator.get(f"{ROLLOUT}/disagreements").json()["items"]) == 1
