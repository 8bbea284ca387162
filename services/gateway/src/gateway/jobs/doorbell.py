"""The doorbell: wake-ups for the inference workers, by Celery on Redis. Losing one loses nothing."""

from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from ictus.contracts import tasks

_log = structlog.get_logger(__name__)


class Doorbell:
    """Rings the inference workers of a deployment."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def ring(self, job_id: UUID) -> None:
        """Wake a worker. When Redis does not answer this is logged and left to the sweeper."""
        try:
            self._celery.send_task(tasks.ANALYZE, kwargs={"job_id": str(job_id)})
        except OperationalError as error:
            _log.warning("doorbell_not_rung", job_id=str(job_id), exc_info=error)
