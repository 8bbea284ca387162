"""Retention as a task of the gateway's Celery process."""

from typing import Final

import structlog
from celery import Celery

from gateway.queues import ERASE_EXPIRED
from gateway.resources import Resources
from gateway.studies.retention import erase_expired

_MOST: Final = 500
_log = structlog.get_logger(__name__)


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=ERASE_EXPIRED)
    def erase() -> None:
        if erased := erase_expired(resources, most=_MOST):
            _log.info("studies_past_retention_erased", count=erased)
