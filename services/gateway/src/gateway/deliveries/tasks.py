"""Delivering as tasks: a ring for every lane that has something due, and the lane itself.

``RING`` runs in the gateway's schedule; ``DELIVER`` in processes of their own (queue ``deliveries``), so that
destinations that are slow to answer keep nothing else waiting.
"""

from functools import partial
from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from gateway.database import after_commit
from gateway.deliveries.service import Lane, due_lanes
from gateway.resources import Resources
from ictus.contracts import tasks

_MOST = 200
_log = structlog.get_logger(__name__)


def ring_lanes(resources: Resources) -> int:
    """Ring for every lane that has something due, unless as many rings wait already; how many rang."""
    with resources.sessions() as session:
        lanes = due_lanes(session, resources.clock(), _MOST)
    for destination_id in lanes:
        _send(resources.celery, tasks.DELIVER, destination_id=str(destination_id))
    return len(lanes)


def ring_after_commit(session: Session, celery: Celery) -> None:
    """Have the lanes looked at once the session's transaction has committed; the sweep does so anyway."""
    after_commit(session, partial(_send, celery, tasks.RING_LANES))


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=tasks.RING_LANES)
    def ring() -> None:
        ring_lanes(resources)

    @celery.task(name=tasks.DELIVER)
    def deliver(destination_id: str) -> None:
        Lane(resources, UUID(destination_id)).run()


def _send(celery: Celery, task: str, **arguments: str) -> None:
    try:
        celery.send_task(task, kwargs=arguments, expires=tasks.RING_EXPIRES_SECONDS)
    except OperationalError as error:
        _log.warning("lane_not_rung", task=task, exc_info=error)
