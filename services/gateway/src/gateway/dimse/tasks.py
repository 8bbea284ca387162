"""Looking for complete studies, as a task of the gateway's Celery process."""

from celery import Celery

from gateway.dimse.completion import complete_quiet_studies, discard_overdue
from gateway.queues import COMPLETE_INCOMING
from gateway.resources import Resources


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=COMPLETE_INCOMING)
    def complete_incoming() -> None:
        complete_quiet_studies(resources)
        discard_overdue(resources)
