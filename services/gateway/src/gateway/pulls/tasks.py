"""Fetching as tasks, in the processes that speak to other systems (queue ``deliveries``): archives may take minutes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gateway.database import after_commit
from gateway.pulls.models import OPEN, Pull
from gateway.pulls.runner import PullPolicy, PullRunner, is_due
from gateway.queues import PULL
from gateway.resources import Resources
from ictus.contracts import tasks

_KEPT: Final = timedelta(days=30)
_log = structlog.get_logger(__name__)


def ring_pulls(resources: Resources) -> int:
    """Ring for pulls that are due, as many as may run at once; how often it rang."""
    with resources.sessions() as session:
        due = session.scalar(select(func.count()).where(is_due(resources.clock()))) or 0
    rings = min(due, PullPolicy.of(resources.settings).at_once)
    for _ in range(rings):
        _ring(resources.celery)
    return rings


def ring_after_commit(session: Session, celery: Celery) -> None:
    """Have a pull taken up once the session's transaction has committed; the sweep rings anyway."""
    after_commit(session, partial(_ring, celery))


def forget_ended_pulls(resources: Resources) -> int:
    """Remove pulls that ended long ago, with what they hold of the patient; how many."""
    before = resources.clock() - _KEPT
    old = delete(Pull).where(Pull.state.not_in(OPEN), Pull.finished_at < before).returning(Pull.id)
    with resources.sessions.begin() as session:
        return len(session.scalars(old).all())


def register(celery: Celery, resources: Resources) -> None:
    """Declare the task."""
    run: Callable[[], bool] = PullRunner(resources).run_one

    @celery.task(name=PULL)
    def pull() -> None:
        while run():
            pass


def _ring(celery: Celery) -> None:
    try:
        celery.send_task(PULL, expires=tasks.RING_EXPIRES_SECONDS)
    except OperationalError as error:
        _log.warning("pull_not_rung", exc_info=error)
