"""Looking whether a training is due, as a task of the gateway's Celery process."""

from celery import Celery

from gateway.queues import START_TRAINING
from gateway.resources import Resources
from gateway.trainings.schedule import start_training_if_due


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=START_TRAINING)
    def start_training() -> None:
        start_training_if_due(resources)
