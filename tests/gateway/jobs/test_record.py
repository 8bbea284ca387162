"""What the audit trail says of the job protocol."""

from uuid import UUID, uuid4

import pytest
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation

from gateway.audit.models import ActorKind, AuditEvent, Outcome
from ictus.contracts.jobs import FailJob
from ictus.domain.enums import Stage


@pytest.fixture
def study_id(installation: Installation, site: UUID) -> UUID:
    """A study whose analysis waits."""
    return add_study(installation, site)


def refusal(installation: Installation) -> AuditEvent:
    row = installation.audit()[-1]
    assert (row.outcome, row.actor_kind, row.actor_id) == (Outcome.REFUSED, ActorKind.SERVICE, None)
    return row


def test_lost_fence_is_on_record_each_time(
    installation: Installation, study_id: UUID, worker: Worker
) -> None:
    job = worker.must_claim()
    assert worker.fail(job, retryable=False).status_code == 204
    zombie = job.model_copy(update={"fence": 7})
    for action, say in {
        "job.keep": lambda: worker.try_beat(zombie, Stage.STORING),
        "job.complete": lambda: worker.complete(zombie),
        "job.fail": lambda: worker.fail(zombie, retryable=True),
    }.items():
        assert say().json()["code"] == "fence_lost"
        row = refusal(installation)
        assert (row.action, row.object_type, row.object_id) == (action, "job", str(job.job_id))
        assert (row.code, row.detail) == ("fence_lost", {"fence": 7})


def test_unknown_job_is_on_record(installation: Installation, study_id: UUID, worker: Worker) -> None:
    job = worker.must_claim().model_copy(update={"job_id": uuid4()})
    assert worker.try_beat(job, Stage.LOADING).status_code == 404
    row = refusal(installation)
    assert (row.action, row.object_id, row.code) == ("job.keep", str(job.job_id), "not_found")


def test_answer_that_does_not_fit_is_on_record_and_nothing_of_it_stays(
    installation: Installation, study_id: UUID, worker: Worker
) -> None:
    job = worker.must_claim()
    before = len(installation.audit())
    assert worker.complete(job, prediction(job).model_copy(update={"series": ()})).status_code == 422
    (row,) = installation.audit()[before:]
    assert (row.action, row.outcome, row.code) == ("job.complete", Outcome.REFUSED, "result_mismatch")


def test_message_that_is_none_is_on_record_without_what_it_said(
    installation: Installation, study_id: UUID, worker: Worker
) -> None:
    job = worker.must_claim()
    before = len(installation.audit())
    said = FailJob(fence=9, worker_id="Canary^Worker", code="Canary", detail="Canary^Jane", retryable=False)
    for path, body in {
        f"{job.job_id}/fail": said.model_dump_json(),
        "Canary^Jane/fail": said.model_dump_json(),
        "claim": '{"worker_id": "Canary^Jane", "job_id": "Canary^Jane"}',
        f"{job.job_id}/complete": '{"Canary^Jane',
    }.items():
        answer = worker.client.post(
            f"/internal/v1/jobs/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in {409, 422}
    rows = installation.audit()[before:]
    assert [(row.action, row.code) for row in rows] == [
        ("job.fail", "fence_lost"),
        ("job.fail", "validation_failed"),
        ("job.claim", "validation_failed"),
        ("job.complete", "validation_failed"),
    ]
    assert "Canary" not in " ".join(str(vars(row)) for row in rows)


def test_each_change_of_a_job_is_on_record_once_and_a_heartbeat_is_not(
    installation: Installation, study_id: UUID, worker: Worker
) -> None:
    before = len(installation.audit())
    job = worker.must_claim()
    worker.beat(job, Stage.CLASSIFYING, 1, 3)
    for _ in range(2):
        assert worker.complete(job).status_code == 204
    assert worker.claim() is None
    rows = installation.audit()[before:]
    assert [(row.action, row.outcome) for row in rows] == [
        ("job.started", Outcome.DONE),
        ("job.completed", Outcome.DONE),
    ]
    assert {row.object_id for row in rows} == {str(job.job_id)}
    assert {row.detail["study_id"] for row in rows} == {str(study_id)}
