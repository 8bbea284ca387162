"""A likely stroke calls a person, is taken on once, and escalates when nobody has; the clock tells it all."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.answers import decide
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, upload

from gateway.auth.models import Scope
from gateway.events.models import EventRow
from gateway.jobs.sweep import sweep
from gateway.settings import GatewaySettings
from ictus.domain.enums import Disposition, Finding, Role

ALERTS = "/api/v1/alerts"


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


def answered(
    installation: Installation,
    site_id: UUID,
    disposition: Disposition = Disposition.CONFIDENT,
    finding: Finding | None = Finding.STROKE,
) -> str:
    study_id = add_study(installation, site_id, rung=False)
    worker = Worker.of(installation)
    job = worker.must_claim()
    assert worker.complete(job, prediction(job, disposition, finding)).status_code == 204
    return str(study_id)


def kinds(db: Session) -> list[str]:
    told = [row.body["kind"] for row in db.scalars(select(EventRow).order_by(EventRow.id))]
    return [kind for kind in told if kind.startswith("alert.")]


def waiting(browser: TestClient) -> list[str]:
    return [one["study_id"] for one in browser.get(ALERTS).json()]


def test_likely_stroke_raises_an_alert_and_nothing_else_does(
    installation: Installation, clinician: Person, browser: TestClient, db: Session
) -> None:
    answered(installation, clinician.site_id, finding=Finding.NORMAL)
    for disposition in set(Disposition) - {Disposition.CONFIDENT}:
        answered(installation, clinician.site_id, disposition)
    assert waiting(browser) == []
    study_id = answered(installation, clinician.site_id)
    assert waiting(browser) == [study_id]
    assert kinds(db) == ["alert.raised"]
    assert waiting(installation.add_person(Role.CLINICIAN).sign_in()) == [], "another site's"


def test_clock_tells_every_step_once(
    installation: Installation, clinician: Person, browser: TestClient, db: Session
) -> None:
    clock, start = installation.clock, installation.clock()
    study_id = answered(installation, clinician.site_id)
    machine = installation.add_api_client(Scope.STUDIES_READ, site_id=clinician.site_id)
    assert machine.get(f"/api/v1/studies/{study_id}").status_code == 200
    told = machine.get(f"/api/v1/studies/{study_id}/clock").json()
    assert (told["seen_at"], told["acknowledged_at"]) == (None, None), "a machine sees nothing"

    clock.advance(minutes=1)
    browser.get(f"/api/v1/studies/{study_id}")
    clock.advance(minutes=1)
    taken = browser.post(f"/api/v1/studies/{study_id}/acknowledge")
    assert taken.status_code == 200, taken.text
    clock.advance(minutes=1)
    colleague = installation.add_person(Role.RADIOLOGIST, clinician.site_id).sign_in()
    colleague.get(f"/api/v1/studies/{study_id}")
    again = colleague.post(f"/api/v1/studies/{study_id}/acknowledge").json()
    assert again == taken.json(), "the first one counts"
    decide(installation, clinician.site_id, study_id, Finding.STROKE)

    told = browser.get(f"/api/v1/studies/{study_id}/clock").json()
    moments = {
        name: (start + timedelta(minutes=n)).isoformat().replace("+00:00", "Z")
        for n, name in enumerate("abcd")
    }
    assert told == {
        "study_id": study_id,
        "received_at": moments["a"],
        "analysed_at": moments["a"],
        "raised_at": moments["a"],
        "seen_at": moments["b"],
        "acknowledged_at": moments["c"],
        "acknowledged_by": str(clinician.user_id),
        "escalated_at": None,
        "reported_at": moments["d"],
    }
    assert waiting(browser) == []
    assert kinds(db) == ["alert.raised", "alert.acknowledged"]
    row = next(row for row in installation.audit() if row.action == "study.acknowledge")
    assert (row.actor_id, row.object_id) == (clinician.user_id, study_id)


def test_alert_that_nobody_takes_on_escalates_once(
    installation: Installation, clinician: Person, browser: TestClient, db: Session
) -> None:
    forgotten = answered(installation, clinician.site_id)
    taken = answered(installation, clinician.site_id)
    read = answered(installation, clinician.site_id)
    browser.post(f"/api/v1/studies/{taken}/acknowledge")
    decide(installation, clinician.site_id, read, Finding.NORMAL)
    installation.clock.advance(minutes=9)
    sweep(installation.resources)
    assert "alert.escalated" not in kinds(db)
    installation.clock.advance(minutes=1)
    for _ in range(2):
        sweep(installation.resources)
    db.expire_all()
    assert kinds(db).count("alert.escalated") == 1
    told = browser.get(f"/api/v1/studies/{forgotten}/clock").json()
    assert told["escalated_at"] is not None
    assert waiting(browser) == [forgotten], "it still wants somebody"
    assert browser.post(f"/api/v1/studies/{forgotten}/acknowledge").status_code == 200


def test_second_answer_of_a_study_raises_no_second_alert(
    installation: Installation, clinician: Person, browser: TestClient, db: Session
) -> None:
    study_id = answered(installation, clinician.site_id)
    browser.post(f"/api/v1/studies/{study_id}/acknowledge")
    assert browser.post(f"/api/v1/studies/{study_id}/analyses", json={}).status_code == 202
    worker = Worker.of(installation)
    assert worker.complete(worker.must_claim()).status_code == 204
    assert waiting(browser) == []
    assert kinds(db).count("alert.raised") == 1


def test_who_cannot_act_cannot_acknowledge(installation: Installation, clinician: Person) -> None:
    study_id = answered(installation, clinician.site_id)
    quiet = answered(installation, clinician.site_id, finding=Finding.NORMAL)
    path = f"/api/v1/studies/{study_id}/acknowledge"
    machine = installation.add_api_client(*Scope, site_id=clinician.site_id)
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    for caller in (machine, admin):
        assert caller.post(path).json()["code"] == "role_refused"
    stranger = installation.add_person(Role.CLINICIAN).sign_in()
    assert stranger.post(path).json()["code"] == "not_found"
    browser = clinician.sign_in()
    assert browser.post(f"/api/v1/studies/{uuid4()}/acknowledge").status_code == 404
    assert browser.post(f"/api/v1/studies/{quiet}/acknowledge").json()["code"] == "no_alert"


def test_clocks_are_exported_by_ids_alone(installation: Installation, clinician: Person) -> None:
    first = answered(installation, clinician.site_id)
    second = answered(installation, clinician.site_id, finding=Finding.NORMAL)
    answered(installation, installation.add_site())
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    now = installation.clock()
    span = {"since": now.isoformat(), "until": (now + timedelta(seconds=1)).isoformat()}
    answer = admin.get("/api/v1/admin/clocks", params=span)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *lines = answer.text.splitlines()
    assert head.startswith("study_id,received_at,analysed_at,raised_at,seen_at,acknowledged_at")
    assert {line.split(",")[0] for line in lines} == {first, second}
    empty = admin.get("/api/v1/admin/clocks", params=span | {"until": now.isoformat()})
    assert len(empty.text.splitlines()) == 1
    assert admin.get("/api/v1/admin/clocks").status_code == 422


def test_escalation_can_be_turned_off(make_settings: Callable[..., GatewaySettings]) -> None:
    assert make_settings(alert_escalation_minutes=0).alert_escalation_minutes == 0
    with pytest.raises(ValueError, match="alert_escalation_minutes"):
        make_settings(alert_escalation_minutes=-1)


def test_alert_says_who_it_is_about_to_the_site_s_own_people(
    installation: Installation, clinician: Person, browser: TestClient
) -> None:
    nameless = answered(installation, clinician.site_id)
    named = upload(browser, *dicom_files())["id"]
    worker = Worker.of(installation)
    job = worker.must_claim()
    assert worker.complete(job, prediction(job, Disposition.CONFIDENT, Finding.STROKE)).status_code == 204
    patients = {one["study_id"]: one["patient"] for one in browser.get(ALERTS).json()}
    assert patients[nameless] is None
    assert patients[named]["patient_name"] == "Canary^Identity"
