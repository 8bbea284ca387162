"""A worker's jobs against the real gateway over HTTP, the real object store and the real starter model."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.analysis import add_study
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, picture, study_id, upload
from tests.inference.conftest import OPTIONS, store_at
from tests.inference.published import Published
from tests.inference.waiting import wait_until

from gateway.jobs.models import Attempt, AttemptOutcome, Job
from gateway.jobs.sweep import sweep
from gateway.results.models import Result
from gateway.studies.models import Series
from ictus.contracts.jobs import MODEL_VERSION_UNAVAILABLE, AnalyzeStudy
from ictus.domain.enums import JobState, Role, Stage
from ictus.domain.errors import UnavailableError
from ictus.http.client import ServiceClient
from ictus.http.lease import FenceLostError
from ictus.http.patience import until_answered
from ictus.imaging import phantom
from ictus.storage import ObjectStore, keys
from inference.artefacts import ModelStore
from inference.health import Pulse, is_alive
from inference.jobs import JobCancelledError, JobsClient, Lease
from inference.metrics import WorkerMetrics
from inference.runner import JobRunner, Stopping, WorkerStoppingError


@pytest.fixture
def models(model_folder: Path, tmp_path: Path) -> ModelStore:
    """The starter model, as an earlier run left it on this worker's disk."""
    cache = tmp_path / "models"
    version = "kept"
    shutil.copytree(model_folder, cache / "versions" / version)
    (cache / "last-good").write_text(version)
    store = ModelStore(cache, lambda: pytest.fail("no registry is needed"), OPTIONS, public_key=None)
    store.load_last_good()
    return store


@pytest.fixture
def make_runner(
    installation: Installation, jobs: JobsClient, models: ModelStore, tmp_path: Path
) -> Callable[..., JobRunner]:
    usual_jobs, usual_models = jobs, models

    def make(
        stopping: Stopping | None = None,
        store: ObjectStore | None = None,
        models: ModelStore = usual_models,
        jobs: JobsClient = usual_jobs,
        metrics: WorkerMetrics | None = None,
    ) -> JobRunner:
        return JobRunner(
            jobs,
            models,
            store or installation.resources.store,
            Pulse(tmp_path / "pulse", lambda: models.ready),
            stopping or Stopping(60),
            metrics or WorkerMetrics(lambda: models.versions_in_memory),
        )

    return make


def job_of(db: Session, study: UUID) -> Job:
    db.expire_all()
    return db.scalars(select(Job).where(Job.study_id == study)).one()


def answered_by(db: Session, study: UUID) -> str:
    job = job_of(db, study)
    return db.scalars(select(Result).where(Result.job_id == job.id)).one().model_version


def test_an_uploaded_series_is_answered_with_pictures(
    installation: Installation, make_runner: Callable[..., JobRunner], db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = upload(browser, *dicom_files())
    metrics = WorkerMetrics(frozenset)
    assert make_runner(metrics=metrics).drain(None) == 1
    job = job_of(db, study_id(study))
    assert job.state is JobState.COMPLETED
    assert metrics.registry.get_sample_value("ictus_worker_slices_total") == 3
    answer = browser.get(f"/api/v1/studies/{study['id']}").json()["result"]
    assert answer["model_version"]
    overlay = answer["series"][0]
    assert len(overlay["slices"]) == 3
    stored = set(installation.resources.store.keys(keys.result_prefix(job.study_id, job.id, job.fence)))
    assert any(key.endswith("embedding.safetensors") for key in stored)
    named = {
        key
        for item in db.scalars(select(Result).where(Result.job_id == job.id)).one().prediction["series"]
        for part in item["slices"]
        for key in (part["overlay_key"], part["picture_key"], part["plain_key"])
        if key
    }
    assert named <= stored


def test_one_wake_up_drains_the_queue(
    installation: Installation, make_runner: Callable[..., JobRunner]
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    for seed in range(3):
        upload(browser, picture(seed), modality="CT")
    assert make_runner().drain(None) == 3
    assert make_runner().drain(None) == 0


def test_missing_volume_fails_the_job_for_good(
    installation: Installation, make_runner: Callable[..., JobRunner], db: Session
) -> None:
    study = add_study(installation, installation.add_site())
    metrics = WorkerMetrics(frozenset)
    assert make_runner(metrics=metrics).drain(None) == 1
    job = job_of(db, study)
    assert (job.state, job.failure_code) == (JobState.FAILED, "object_missing")
    assert metrics.registry.get_sample_value("ictus_worker_jobs_total", {"outcome": "object_missing"}) == 1


def test_changed_volume_fails_the_job_for_good(
    installation: Installation, make_runner: Callable[..., JobRunner], db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    series = db.scalars(select(Series).where(Series.study_id == study)).one()
    installation.resources.store.put_bytes(series.volume_key, b"something else")
    make_runner().drain(None)
    job = job_of(db, study)
    assert (job.state, job.failure_code) == (JobState.FAILED, "volume_changed")


def test_silent_object_store_queues_the_job_again(
    installation: Installation, make_runner: Callable[..., JobRunner], db: Session
) -> None:
    study = add_study(installation, installation.add_site())
    nowhere = ObjectStore("127.0.0.1:9", "key", "secret", "bucket", secure=False)
    assert make_runner(store=nowhere).drain(None) == 1
    job = job_of(db, study)
    assert job.state is JobState.QUEUED
    attempt = db.scalars(select(Attempt).where(Attempt.job_id == job.id)).one()
    assert (attempt.outcome, attempt.failure_code) == (AttemptOutcome.FAILED, "unavailable")


def test_stopped_worker_gives_a_running_job_back(
    installation: Installation, make_runner: Callable[..., JobRunner], jobs: JobsClient, db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    now = [0.0]
    stopping = Stopping(8, monotonic=lambda: now[0])
    runner = make_runner(stopping)
    claimed = claim(jobs)
    stopping.begin()
    now[0] = 9
    runner.run(claimed)
    job = job_of(db, study)
    assert job.state is JobState.QUEUED
    attempt = db.scalars(select(Attempt).where(Attempt.job_id == job.id)).one()
    assert attempt.failure_code == WorkerStoppingError.code
    assert runner.drain(None) == 0  # and starts no other


def test_stop_within_the_grace_lets_the_job_finish(
    installation: Installation, make_runner: Callable[..., JobRunner], jobs: JobsClient, db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    stopping = Stopping(60)
    claimed = claim(jobs)
    stopping.begin()
    make_runner(stopping).run(claimed)
    assert job_of(db, study).state is JobState.COMPLETED


def test_zombies_answer_changes_nothing(
    installation: Installation, make_runner: Callable[..., JobRunner], jobs: JobsClient, db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    zombie = claim(jobs)
    expire_lease(installation)
    heir = claim(jobs)
    assert heir.fence == zombie.fence + 1
    runner = make_runner()
    runner.run(zombie)
    assert job_of(db, study).state is JobState.RUNNING
    runner.run(heir)
    job = job_of(db, study)
    assert job.state is JobState.COMPLETED
    result = db.scalars(select(Result).where(Result.job_id == job.id)).one()
    assert f"/{heir.fence}/" in result.prediction["series"][0]["embedding_key"]


def test_job_for_a_version_that_cannot_be_had_is_given_back_with_the_reason(
    installation: Installation,
    make_runner: Callable[..., JobRunner],
    jobs: JobsClient,
    published: Published,
    tmp_path: Path,
    db: Session,
) -> None:
    models = store_at(tmp_path / "published-models", published)
    models.refresh()
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    make_runner(models=models).run(claim(jobs).model_copy(update={"model_version": "9"}))
    attempt = db.scalars(select(Attempt).where(Attempt.job_id == job_of(db, study).id)).one()
    assert attempt.failure_code == MODEL_VERSION_UNAVAILABLE
    assert attempt.outcome is not AttemptOutcome.COMPLETED


def test_job_that_nobody_looks_at_leaves_nothing_in_the_object_store(
    installation: Installation, make_runner: Callable[..., JobRunner], jobs: JobsClient, db: Session
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    claimed = claim(jobs).model_copy(update={"stores_objects": False})
    make_runner().run(claimed)
    assert job_of(db, study).state is JobState.COMPLETED
    assert not list(installation.resources.store.keys(claimed.result_prefix))


def test_a_job_is_answered_by_the_champion_that_it_was_claimed_with(
    installation: Installation,
    make_runner: Callable[..., JobRunner],
    jobs: JobsClient,
    published: Published,
    tmp_path: Path,
    db: Session,
) -> None:
    models = store_at(tmp_path / "published-models", published)
    models.refresh()
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    study = study_id(upload(browser, picture(), modality="CT"))
    claimed = jobs.claim("1", None)
    assert claimed is not None
    published.best = "2"
    models.refresh()
    runner = make_runner(models=models)
    runner.run(claimed, "1")
    assert answered_by(db, study) == "1"
    again = study_id(upload(browser, picture(1), modality="CT"))
    runner.drain(None)
    assert answered_by(db, again) == "2"


def test_no_job_is_lost_while_champions_are_swapped(
    installation: Installation,
    make_runner: Callable[..., JobRunner],
    gateway_url: str,
    published: Published,
    tmp_path: Path,
    db: Session,
) -> None:
    """Forty jobs, five swaps: each is answered once, by the version that was champion when it was claimed."""
    models = store_at(tmp_path / "published-models", published)
    models.refresh()
    store = installation.resources.store
    volume = phantom.head_ct(slices=1, size=64).to_bytes()
    with installation.resources.sessions.begin() as session:
        waiting = [add_study(installation, installation.add_site()) for _ in range(40)]
        for series in session.scalars(select(Series).where(Series.study_id.in_(waiting))):
            store.put_bytes(series.volume_key, volume)
            series.volume_sha256 = hashlib.sha256(volume).hexdigest()
            series.slices = 1
    claimed_with: dict[UUID, str | None] = {}

    class NotingJobs(JobsClient):
        def claim(self, model_version: str | None, hint: UUID | None) -> AnalyzeStudy | None:
            job = super().claim(model_version, hint)
            if job is not None:
                assert model_version in {models.current().version, swapped[-1]}
                claimed_with[job.study_id] = model_version
            return job

    swapped = ["1"]
    token = installation.resources.settings.inference_token.get_secret_value()
    with ServiceClient(gateway_url, token) as gateway:
        runner = make_runner(models=models, jobs=NotingJobs(gateway, "worker-under-test"))
        worker = threading.Thread(target=runner.drain, args=[None])
        worker.start()
        for enough in (6, 12, 18, 24, 30):
            wait_until(partial(reaches, claimed_with, enough), seconds=250)
            swapped.append(models.current().version)
            published.best = "2" if published.best == "1" else "1"
            assert models.refresh()
        worker.join(timeout=250)
    assert len(claimed_with) == 40
    assert set(claimed_with.values()) == {"1", "2"}
    assert {study: answered_by(db, study) for study in waiting} == claimed_with
    attempts = db.scalars(select(Attempt.outcome).join(Job).where(Job.study_id.in_(waiting))).all()
    assert list(attempts) == [AttemptOutcome.COMPLETED] * 40


def test_a_lost_fence_stops_the_work(installation: Installation, jobs: JobsClient) -> None:
    add_study(installation, installation.add_site())
    zombie = claim(jobs)
    expire_lease(installation)
    claim(jobs)
    with Lease(jobs, zombie.model_copy(update={"heartbeat_seconds": 0.01})) as lease:
        wait_until(lambda: raises(FenceLostError, lambda: lease.report(Stage.CLASSIFYING)))


def test_a_cancelled_job_stops_and_ends_as_cancelled(
    installation: Installation, jobs: JobsClient, db: Session
) -> None:
    study = add_study(installation, installation.add_site())
    job = claim(jobs)
    with installation.resources.sessions.begin() as session:
        session.get_one(Job, job.job_id).cancel_requested = True
    with Lease(jobs, job.model_copy(update={"heartbeat_seconds": 0.01})) as lease:
        wait_until(lambda: raises(JobCancelledError, lambda: lease.report(Stage.CLASSIFYING)))
    jobs.fail(job, JobCancelledError(), retryable=False)
    assert job_of(db, study).state is JobState.CANCELLED


def test_unreachable_gateway_ends_the_wake_up_quietly(
    make_runner: Callable[..., JobRunner], models: ModelStore, installation: Installation
) -> None:
    with ServiceClient("http://127.0.0.1:9", "x" * 32) as nobody:
        runner = JobRunner(
            JobsClient(nobody, "worker"),
            models,
            installation.resources.store,
            Pulse(None, lambda: True),
            Stopping(1),
            WorkerMetrics(frozenset),
        )
        assert runner.drain(None) == 0


def test_an_answer_is_offered_until_the_gateway_listens() -> None:
    now, offered = [0.0], []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def offer() -> None:
        offered.append(now[0])
        if now[0] < 7:
            raise UnavailableError

    until_answered(offer, seconds=60, sleep=sleep, monotonic=lambda: now[0])
    assert 7 <= offered[-1] < 15
    assert len(offered) < 10
    now[0] = 0
    with pytest.raises(UnavailableError):
        until_answered(offer, seconds=5, sleep=sleep, monotonic=lambda: now[0])
    assert now[0] <= 5


def test_pulse_is_felt_only_with_a_model(tmp_path: Path) -> None:
    path, has_model = tmp_path / "pulse", threading.Event()
    pulse = Pulse(path, has_model.is_set)
    pulse.beat()
    assert not path.exists()
    assert not is_alive(path, now=0)
    has_model.set()
    pulse.beat()
    touched = path.stat().st_mtime
    assert is_alive(path, now=touched + 1)
    assert not is_alive(path, now=touched + 3600)


def claim(jobs: JobsClient) -> AnalyzeStudy:
    job = jobs.claim(None, None)
    assert job is not None
    return job


def expire_lease(installation: Installation) -> None:
    installation.clock.advance(minutes=30)
    sweep(installation.resources)
    installation.clock.advance(minutes=30)


def reaches(what: Sized, size: int) -> bool:
    return len(what) >= size


def raises(kind: type[Exception], act: Callable[[], None]) -> bool:
    try:
        act()
    except kind:
        return True
    return False
