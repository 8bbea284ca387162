"""The sweep: whatever a crash, a lost wake-up or a silent service left undone is taken up again.

A step that fails is logged and does not stop the others; the next sweep repeats it. Several sweeps may run
at once: each row is taken by one of them (SKIP LOCKED). All steps are bounded, so a sweep ends.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import delete, select

from gateway.deliveries.tasks import ring_lanes
from gateway.events.models import EventRow
from gateway.jobs.doorbell import Doorbell
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.jobs.service import JobService
from gateway.pulls.tasks import forget_ended_pulls, ring_pulls
from gateway.resources import Resources
from gateway.results.outbox import relay_outbox
from gateway.studies.instances import index_older_studies
from gateway.studies.removal import remove_due_objects
from gateway.trainings.sweep import end_silent_trainings, ring_trainer_again
from gateway.triage.sweep import escalate_alerts
from ictus.contracts import tasks

_MOST: Final = 200
_MOST_INDEXED: Final = 5  # series, each of which may take seconds
_EVENTS_KEPT: Final = timedelta(days=7)
_log = structlog.get_logger(__name__)


def sweep(resources: Resources) -> None:
    """Run every step once."""
    steps: tuple[Callable[[Resources], int], ...] = (
        end_expired_leases,
        ring_again,
        end_silent_trainings,
        ring_trainer_again,
        escalate_alerts,
        _relay_outbox,
        ring_lanes,
        ring_pulls,
        forget_ended_pulls,
        _remove_objects,
        _forget_events,
        _index_instances,
        _show_results,
    )
    for step in steps:
        name = step.__name__.strip("_")
        try:
            done = step(resources)
        except Exception as error:  # the other steps must not wait for this one
            _log.error("sweep_step_failed", step=name, exc_info=error)
        else:
            if done:
                _log.info("swept", step=name, count=done)


def end_expired_leases(resources: Resources) -> int:
    """Take back the jobs of workers that fell silent; how many."""
    doorbell = Doorbell(resources.celery)
    policy = JobPolicy.of(resources.settings)
    for ended in range(_MOST):
        with resources.sessions.begin() as session:
            jobs = JobService(session, resources.clock(), policy, doorbell.ring)
            if not jobs.end_expired_lease():
                return ended
    return _MOST


def ring_again(resources: Resources) -> int:
    """Ring as often as jobs can be claimed and no wake-up waits for them; how often that was."""
    doorbell = Doorbell(resources.celery)
    with resources.sessions() as session:
        due = JobRepository(session).claimable_ids(resources.clock(), _MOST)
    # Celery keeps the wake-ups that no worker has taken in a Redis list of the queue's name.
    waiting = resources.redis.llen(tasks.QUEUE_INFERENCE)
    missing = due[: max(0, len(due) - waiting)]
    for job_id in missing:
        doorbell.ring(job_id)
    return len(missing)


def _relay_outbox(resources: Resources) -> int:
    return relay_outbox(resources.sessions, resources.feedback, resources.clock(), most=_MOST)


def _remove_objects(resources: Resources) -> int:
    return remove_due_objects(resources.sessions, resources.store, resources.clock(), most=_MOST)


def _forget_events(resources: Resources) -> int:
    before = resources.clock() - _EVENTS_KEPT
    with resources.sessions.begin() as session:
        old = select(EventRow.id).where(EventRow.at < before).limit(50 * _MOST)
        gone = delete(EventRow).where(EventRow.id.in_(old)).returning(EventRow.id)
        return len(session.scalars(gone).all())


def _index_instances(resources: Resources) -> int:
    return index_older_studies(resources, most=_MOST_INDEXED)


def _show_results(resources: Resources) -> int:
    # highdicom takes a second to import, which only the process that sweeps spends.
    from gateway.dicomweb.results import show_results  # noqa: PLC0415

    return show_results(resources, most=_MOST_INDEXED)
