"""The sweep as a task of the gateway's Celery process."""

from celery import Celery

from gateway.jobs.sweep import sweep
from gateway.resources import Resources
from ictus.contracts import tasks


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=tasks.SWEEP)
    def sweep_now() -> None:
        sweep(resources)
