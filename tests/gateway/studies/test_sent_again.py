"""The same scan sent again with another priority: it becomes more urgent, never less, and nothing else changes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import picture, post_upload, upload

from gateway.audit.models import AuditEvent
from gateway.events.models import EventRow
from gateway.jobs.models import Job
from ictus.contracts.tasks import QUEUE_INFERENCE
from ictus.domain.enums import JobState, Priority, Role


@pytest.fixture
def sent(browser: TestClient) -> str:
    """The id of a routine study of ``picture()``."""
    study_id: str = upload(browser, picture(), modality="CT")["id"]
    return study_id


def send_again(browser: TestClient, priority: Priority) -> dict[str, object]:
    answer = post_upload(browser, picture(), modality="CT", priority=priority.value)
    assert answer.status_code == 200
    study: dict[str, object] = answer.json()
    return study


def upload_rows(installation: Installation) -> list[AuditEvent]:
    return [row for row in installation.audit() if row.action == "study.upload"]


def kinds(db: Session) -> list[str]:
    return [str(body["kind"]) for body in db.scalars(select(EventRow.body).order_by(EventRow.id))]


def test_waiting_scan_that_is_sent_again_as_stat_is_analysed_before_older_ones(
    installation: Installation, clinician: Person, browser: TestClient, worker: Worker, db: Session
) -> None:
    installation.resources.redis.flushdb()
    older = add_study(installation, clinician.site_id)
    installation.clock.advance(seconds=1)
    sent = upload(browser, picture(), modality="CT")
    again = send_again(browser, Priority.STAT)
    assert (again["id"], again["priority"], again["job"]["priority"]) == (sent["id"], "STAT", "STAT")
    assert again["urgency"] < sent["urgency"]
    assert installation.resources.redis.llen(QUEUE_INFERENCE) == 3, (
        "one wake-up each, and one for the raising"
    )
    assert [str(worker.must_claim().study_id) for _ in range(2)] == [sent["id"], str(older)]
    assert kinds(db).count("study.priority_raised") == 1
    assert db.scalar(select(func.count()).select_from(Job)) == 2


def test_raising_is_in_the_trail_once_with_who_did_it(
    installation: Installation, clinician: Person, browser: TestClient, sent: str
) -> None:
    colleague = installation.add_person(Role.RADIOLOGIST, clinician.site_id)
    elsewhere = colleague.sign_in()
    send_again(elsewhere, Priority.ROUTINE)
    send_again(elsewhere, Priority.STAT)
    send_again(browser, Priority.STAT)
    rows = upload_rows(installation)
    assert [(row.actor_id, row.detail) for row in rows] == [
        (clinician.user_id, {"created": True}),
        (colleague.user_id, {"created": False}),
        (colleague.user_id, {"created": False, "priority_raised": True}),
        (clinician.user_id, {"created": False}),
    ]
    assert {row.object_id for row in rows} == {sent}


def test_stat_stays_stat(browser: TestClient, sent: str) -> None:
    send_again(browser, Priority.STAT)
    assert send_again(browser, Priority.ROUTINE)["priority"] == "STAT"


def test_failed_analysis_that_is_tried_again_keeps_the_raised_priority(
    installation: Installation, clinician: Person, browser: TestClient, sent: str, worker: Worker, db: Session
) -> None:
    worker.fail(worker.must_claim(), retryable=False)
    send_again(browser, Priority.STAT)
    job = db.scalars(select(Job)).one()
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    assert admin.post(f"/api/v1/admin/jobs/{job.id}/retry").json()["priority"] == "STAT"


def test_answered_scan_becomes_stat_without_another_analysis(
    browser: TestClient, sent: str, worker: Worker, db: Session
) -> None:
    assert worker.complete(worker.must_claim()).status_code == 204
    again = send_again(browser, Priority.STAT)
    assert (again["state"], again["priority"], again["job"]["priority"]) == ("completed", "STAT", "ROUTINE")
    assert db.scalars(select(Job.state)).all() == [JobState.COMPLETED]


def test_raising_and_claiming_at_once_end_with_one_stat_study(
    clinician: Person, sent: str, worker: Worker, db: Session
) -> None:
    browsers = [clinician.sign_in() for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        raised = [pool.submit(send_again, browser, Priority.STAT) for browser in browsers]
        claimed = pool.submit(worker.claim)
        assert {one.result()["priority"] for one in raised} == {"STAT"}
        in_between = claimed.result()
    assert in_between or worker.must_claim(), "a claim may step over the job while it is being raised"
    job = db.scalars(select(Job)).one()
    assert (job.state, job.priority) == (JobState.RUNNING, Priority.STAT)
    assert kinds(db).count("study.priority_raised") == 1
