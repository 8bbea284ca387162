"""The worker as it runs in production: its own process, woken through Redis, stopped by a signal."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.conftest import RedisServer, S3Server
from tests.gateway.installation import Installation
from tests.gateway.uploads import picture, study_id, upload
from tests.inference.waiting import wait_until

from gateway.jobs.models import Job
from ictus.domain.enums import JobState, Role
from local.secret_files import ModelKeys
from trainer.publish import model_bell

NO_REGISTRY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class WorkerProcess:
    """A running worker and the folder with its secrets, models, pulse and log."""

    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def start_worker(
    installation: Installation,
    gateway_url: str,
    redis_server: RedisServer,
    s3: S3Server,
    model_folder: Path,
    model_keys: ModelKeys,
    sign_model: Callable[[Path], Path],
    tmp_path: Path,
) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers that have the starter model on their disk."""
    workers: list[WorkerProcess] = []

    def start(**changes: str) -> WorkerProcess:
        folder = tmp_path / f"worker-{len(workers)}"
        sign_model(shutil.copytree(model_folder, folder / "models" / "versions" / "kept"))
        (folder / "models" / "last-good").write_text("kept")
        secrets = folder / "secrets"
        secrets.mkdir()
        token = installation.resources.settings.inference_token.get_secret_value()
        for name, value in {
            "redis_url": redis_server.url,
            "inference_token": token,
            "s3_access_key": s3.access_key,
            "s3_secret_key": s3.secret_key,
            "model_public_key": model_keys.public,
        }.items():
            (secrets / f"ictus_{name}").write_text(value)
        environment = {
            "PATH": os.environ["PATH"],
            "ICTUS_SECRETS_DIR": str(secrets),
            "ICTUS_GATEWAY_URL": gateway_url,
            "ICTUS_S3_ENDPOINT": s3.endpoint,
            "ICTUS_S3_BUCKET": installation.resources.settings.s3_bucket,
            "ICTUS_S3_SECURE": "false",
            "ICTUS_MLFLOW_URL": NO_REGISTRY,
            "ICTUS_MODEL_CACHE": str(folder / "models"),
            "ICTUS_PULSE_FILE": str(folder / "pulse"),
            "ICTUS_ENGINE_THREADS": "1",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "inference.worker"],
                env=environment | changes,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        workers.append(WorkerProcess(process, folder))
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()


def states(db: Session, studies: list[str]) -> set[JobState]:
    db.rollback()
    return set(db.scalars(select(Job.state).where(Job.study_id.in_(studies))))


def test_woken_worker_answers_and_stops_on_a_signal(
    installation: Installation, start_worker: Callable[..., WorkerProcess], db: Session
) -> None:
    worker = start_worker()
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    studies = [study_id(upload(browser, picture(seed), modality="CT")) for seed in range(3)]
    wait_until(lambda: states(db, studies) == {JobState.COMPLETED}, seconds=60)
    assert (worker.folder / "pulse").exists()
    assert healthy(worker.folder / "pulse")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(timeout=20) == 0
    log = worker.log()
    assert log.count('"job_answered"') == 3
    secrets = installation.resources.settings
    assert secrets.inference_token.get_secret_value() not in log
    assert secrets.s3_secret_key.get_secret_value() not in log


def test_every_worker_looks_at_the_registry_when_the_bell_rings(
    start_worker: Callable[..., WorkerProcess], redis_server: RedisServer
) -> None:
    workers = [start_worker(ICTUS_MODEL_POLL_SECONDS="3600") for _ in range(2)]
    # at the start, and once more when the listening begins
    wait_until(lambda: [looks(worker) for worker in workers] == [2, 2], seconds=60)
    model_bell(redis_server.url)()
    wait_until(lambda: [looks(worker) for worker in workers] == [3, 3], seconds=60)


def looks(worker: WorkerProcess) -> int:
    """How often a worker asked its registry, which never answers."""
    return worker.log().count('"model_not_refreshed"')


def test_worker_without_its_settings_says_which_are_missing() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "inference.worker"],
        env={"PATH": os.environ["PATH"], "ICTUS_INFERENCE_TOKEN": "short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "ICTUS_REDIS_URL: Field required" in run.stderr
    assert "ICTUS_INFERENCE_TOKEN" in run.stderr
    assert "short" not in run.stderr.replace("too_short", "")
    assert "Traceback" not in run.stderr


def test_absent_worker_is_not_healthy(tmp_path: Path) -> None:
    assert not healthy(tmp_path / "pulse")


def healthy(pulse: Path) -> bool:
    return (
        subprocess.run(
            [sys.executable, "-m", "inference.health"],
            env={"PATH": os.environ["PATH"], "ICTUS_PULSE_FILE": str(pulse)},
            check=False,
        ).returncode
        == 0
    )
