"""What the sweep takes up again."""

import json
import subprocess
import sys
from uuid import UUID

import pytest
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation

from gateway.events.models import EventRow
from gateway.jobs.sweep import ring_again, sweep
from gateway.settings import GatewaySettings
from gateway.studies.models import ObjectRemoval
from ictus.contracts.tasks import QUEUE_INFERENCE
from ictus.storage.keys import study_prefix


def rung(installation: Installation) -> int:
    return installation.resources.redis.llen(QUEUE_INFERENCE)


def test_a_lost_wake_up_is_recovered(installation: Installation, site: UUID) -> None:
    for _ in range(3):
        add_study(installation, site)
    assert rung(installation) == 3
    installation.resources.redis.flushdb()
    sweep(installation.resources)
    assert rung(installation) == 3


def test_wake_ups_that_still_wait_are_not_sent_twice(installation: Installation, site: UUID) -> None:
    add_study(installation, site)
    for _ in range(5):
        sweep(installation.resources)
    assert rung(installation) == 1


def test_a_job_committed_while_redis_was_away_is_rung_later(installation: Installation, site: UUID) -> None:
    add_study(installation, site, rung=False)
    assert rung(installation) == 0
    assert ring_again(installation.resources) == 1
    assert rung(installation) == 1


def test_a_running_job_needs_no_wake_up(installation: Installation, site: UUID, worker: Worker) -> None:
    add_study(installation, site)
    worker.must_claim()
    installation.resources.redis.flushdb()
    sweep(installation.resources)
    assert rung(installation) == 0


def test_a_job_that_backs_off_is_rung_when_its_time_has_come(
    installation: Installation, site: UUID, worker: Worker
) -> None:
    add_study(installation, site)
    worker.fail(worker.must_claim(), retryable=True)
    installation.resources.redis.flushdb()
    sweep(installation.resources)
    assert rung(installation) == 0
    installation.clock.advance(minutes=1)
    sweep(installation.resources)
    assert rung(installation) == 1


def test_one_failing_step_does_not_stop_the_others(
    installation: Installation, site: UUID, worker: Worker, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_study(installation, site)
    job = worker.must_claim()
    installation.clock.advance(minutes=5)
    dead = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=1)
    monkeypatch.setitem(installation.resources.__dict__, "redis", dead)
    orphan = study_prefix(UUID(int=1))
    installation.resources.store.put_bytes(f"{orphan}x", b"x")
    with installation.resources.sessions.begin() as session:
        session.add(ObjectRemoval(prefix=orphan, remove_after=installation.clock()))

    sweep(installation.resources)
    assert not installation.resources.store.exists(f"{orphan}x")
    assert db.scalars(select(ObjectRemoval.prefix)).all() == [job.result_prefix]


def test_old_events_are_forgotten(installation: Installation, site: UUID, db: Session) -> None:
    add_study(installation, site)
    assert db.scalar(select(func.count()).select_from(EventRow)) == 1
    installation.clock.advance(days=8)
    sweep(installation.resources)
    db.expire_all()
    assert db.scalar(select(func.count()).select_from(EventRow)) == 0


def test_the_task_process_knows_every_table_that_a_job_refers_to(settings: GatewaySettings) -> None:
    """In a process of its own: here other tests have imported everything."""
    script = (
        "import sys; from gateway.settings import GatewaySettings; from gateway.worker import create_worker; "
        "from gateway.database import Base; from sqlalchemy.orm import configure_mappers; "
        "create_worker(GatewaySettings.model_validate_json(sys.stdin.read())); "
        "configure_mappers(); Base.metadata.sorted_tables"
    )
    values = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in settings.model_dump().items()
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(values, default=str),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
