"""The trainer's doorbell: a wake-up by Celery on Redis. Losing one loses nothing."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from gateway.database import after_commit
from ictus.contracts import tasks

_log = structlog.get_logger(__name__)


def ring_trainer(celery: Celery, training_id: UUID) -> None:
    """Wake the trainer. When Redis does not answer this is logged and left to the sweeper."""
    try:
        celery.send_task(tasks.TRAIN, kwargs={"training_id": str(training_id)})
    except OperationalError as error:
        _log.warning("trainer_not_rung", training_id=str(training_id), exc_info=error)


def trainer_bell(session: Session, celery: Celery) -> Callable[[UUID], None]:
    """What wakes the trainer for a training once the session's transaction has committed."""

    def ring(training_id: UUID) -> None:
        after_commit(session, partial(ring_trainer, celery, training_id))

    return ring
