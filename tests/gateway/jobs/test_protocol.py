"""The job protocol, as inference workers see it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation

from gateway.jobs.models import Attempt, AttemptOutcome, Job
from gateway.jobs.sweep import sweep
from gateway.results.models import Result
from gateway.studies.models import ObjectRemoval, Study, StudyState
from ictus.domain.enums import Disposition, Finding, JobState, Modality, Priority, Stage


def job_of(db: Session, study_id: UUID) -> Job:
    db.expire_all()
    return db.scalars(select(Job).where(Job.study_id == study_id)).one()


def test_only_the_holder_of_the_token_may_claim(installation: Installation) -> None:
    stranger = TestClient(installation.app, headers={"Authorization": f"Bearer {'x' * 64}"})
    answer = stranger.post("/internal/v1/jobs/claim", json={"worker_id": "stranger"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "service_token_refused"


def test_an_empty_queue_answers_nothing_to_do(worker: Worker) -> None:
    assert worker.claim() is None


def test_stat_is_claimed_before_routine_and_the_oldest_first(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    expected = {}
    for name, priority in (("old", "ROUTINE"), ("new", "ROUTINE"), ("stat", "STAT")):
        expected[name] = add_study(installation, site, Priority(priority))
        installation.clock.advance(seconds=1)
    claimed = [worker.must_claim().study_id for _ in expected]
    assert claimed == [expected["stat"], expected["old"], expected["new"]]
    assert worker.claim() is None


def test_workers_that_claim_at_once_get_different_jobs(installation: Installation, site: UUID) -> None:
    for _ in range(12):
        add_study(installation, site)
    workers = [Worker.of(installation, f"worker-{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda number: workers[number % 4].claim(), range(16)))
    claimed = [job.job_id for job in claims if job is not None]
    assert len(claimed) == len(set(claimed)) == 12


def test_a_claim_carries_what_a_worker_needs_and_no_identity(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    study_id = add_study(installation, site, Priority.STAT)
    job = worker.must_claim()
    assert (job.attempt, job.fence, job.priority) == (1, 1, Priority.STAT)
    assert job.series[0].modality is Modality.CT
    assert job.result_prefix == f"studies/{study_id}/results/{job.job_id}/1/"
    assert job.heartbeat_seconds == pytest.approx(installation.resources.settings.lease_seconds / 3)


def test_a_completed_job_has_its_result_and_the_study_shows_it(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    study_id = add_study(installation, site)
    job = worker.must_claim()
    installation.clock.advance(seconds=4)
    assert worker.complete(job).status_code == 204

    study = db.get_one(Study, study_id)
    assert (study.state, study.disposition, study.finding) == (
        StudyState.COMPLETED,
        Disposition.CONFIDENT,
        Finding.STROKE,
    )
    assert study.completed_at == installation.clock()
    assert study.analysis_started_at == installation.clock() - timedelta(seconds=4)
    assert db.get_one(Result, job.job_id).model_version == "7"
    assert job_of(db, study_id).state is JobState.COMPLETED


def test_duplicate_delivery_gives_one_result(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    with ThreadPoolExecutor(4) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: worker.complete(job), range(8))]
    assert statuses == [204] * 8
    assert db.scalar(select(func.count()).select_from(Result)) == 1
    assert db.scalar(select(func.count()).select_from(Attempt)) == 1


def test_a_zombies_late_answer_is_refused(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    study_id = add_study(installation, site)
    zombie = Worker.of(installation, "zombie")
    lost = zombie.must_claim()
    installation.clock.advance(minutes=5)
    sweep(installation.resources)
    for answer in (
        zombie.complete(lost),
        zombie.try_beat(lost, Stage.STORING),
        zombie.fail(lost, retryable=False),
    ):
        assert answer.status_code == 409
        assert answer.json()["code"] == "fence_lost"
    assert job_of(db, study_id).state is JobState.QUEUED

    installation.clock.advance(minutes=1)
    owned = worker.must_claim()
    assert (owned.job_id, owned.fence, owned.attempt) == (lost.job_id, 2, 2)
    assert zombie.complete(lost).status_code == 409
    assert worker.complete(owned).status_code == 204
    assert zombie.complete(lost).status_code == 409
    assert db.get_one(Result, owned.job_id).fence == 2


def test_what_a_lost_attempt_stored_is_noted_for_removal(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    installation.clock.advance(minutes=5)
    sweep(installation.resources)
    assert db.scalars(select(ObjectRemoval.prefix)).all() == [job.result_prefix]


def test_heartbeats_keep_a_long_job(installation: Installation, site: UUID, worker: Worker) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    lease = installation.resources.settings.lease_seconds
    for done in range(10):
        installation.clock.advance(seconds=lease * 0.9)
        sweep(installation.resources)
        state = worker.beat(job, Stage.CLASSIFYING, done, 10)
        assert (state.lease_expires_at - installation.clock()).total_seconds() == lease
    assert worker.complete(job).status_code == 204


def test_a_retryable_failure_waits_longer_each_time_and_ends_after_three_attempts(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    study_id = add_study(installation, site)
    for attempt, wait in ((1, 5), (2, 20)):
        assert worker.fail(worker.must_claim(), retryable=True).status_code == 204
        assert job_of(db, study_id).attempt == attempt
        installation.clock.advance(seconds=wait - 1)
        assert worker.claim() is None
        installation.clock.advance(seconds=1)
    last = worker.must_claim()
    assert worker.fail(last, retryable=True).status_code == 204
    assert worker.fail(last, retryable=True).status_code == 204

    job = job_of(db, study_id)
    assert (job.state, job.failure_code, job.attempt) == (JobState.FAILED, "out_of_memory", 3)
    assert db.get_one(Study, study_id).state is StudyState.FAILED
    installation.clock.advance(days=1)
    assert worker.claim() is None


def test_a_final_failure_is_not_tried_again(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    study_id = add_study(installation, site)
    assert worker.fail(worker.must_claim(), retryable=False).status_code == 204
    assert job_of(db, study_id).state is JobState.FAILED


def test_a_worker_that_dies_three_times_on_a_job_fails_it(
    installation: Installation, site: UUID, worker: Worker, db: Session
) -> None:
    study_id = add_study(installation, site)
    for _ in range(3):
        worker.must_claim()
        installation.clock.advance(minutes=5)
        sweep(installation.resources)
        installation.clock.advance(minutes=5)
    job = job_of(db, study_id)
    assert (job.state, job.failure_code) == (JobState.FAILED, "lease_lost")
    outcomes = db.scalars(select(Attempt.outcome).order_by(Attempt.fence)).all()
    assert outcomes == [AttemptOutcome.LEASE_LOST] * 3


@pytest.mark.parametrize("wrong", ["series", "slice", "key", "driving"])
def test_an_answer_that_does_not_fit_the_job_is_refused(
    installation: Installation, site: UUID, worker: Worker, db: Session, wrong: str
) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    good = prediction(job)
    series = good.series[0]
    bad = {
        "series": good.model_copy(update={"series": (series.model_copy(update={"series_id": uuid4()}),)}),
        "slice": good.model_copy(update={"series": (series.model_copy(update={"key_slices": (99,)}),)}),
        "key": good.model_copy(
            update={"series": (series.model_copy(update={"embedding_key": f"studies/{uuid4()}/x"}),)}
        ),
        "driving": good.model_copy(update={"driving_series_id": uuid4()}),
    }[wrong]
    answer = worker.complete(job, bad)
    assert answer.status_code == 422
    assert answer.json()["code"] == "result_mismatch"
    assert db.scalar(select(func.count()).select_from(Result)) == 0
    assert worker.complete(job, good).status_code == 204


def test_an_unknown_job_is_not_found(worker: Worker, installation: Installation, site: UUID) -> None:
    add_study(installation, site)
    job = worker.must_claim().model_copy(update={"job_id": uuid4()})
    assert worker.try_beat(job, Stage.LOADING).status_code == 404
