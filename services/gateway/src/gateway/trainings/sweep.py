"""What the sweep does for trainings."""

from typing import Final

from gateway.resources import Resources
from gateway.trainings.doorbell import ring_trainer
from gateway.trainings.policy import TrainingPolicy
from gateway.trainings.protocol import TrainingProtocol
from gateway.trainings.repository import TrainingRepository
from ictus.contracts import tasks

_MOST: Final = 10


def end_silent_trainings(resources: Resources) -> int:
    """Take trainings back from trainers that fell silent; how many."""
    policy = TrainingPolicy.of(resources.settings)
    for ended in range(_MOST):
        with resources.sessions.begin() as session:
            trainer = TrainingProtocol(session, resources.clock(), policy)
            if not trainer.end_expired_lease():
                return ended
    return _MOST


def ring_trainer_again(resources: Resources) -> int:
    """Wake the trainer when a training can be claimed and no wake-up waits; how often that was."""
    with resources.sessions() as session:
        training_id = TrainingRepository(session).queued_id(resources.clock())
    # Celery keeps the wake-ups that no worker has taken in a Redis list of the queue's name.
    if training_id is None or resources.redis.llen(tasks.QUEUE_TRAINER):
        return 0
    ring_trainer(resources.celery, training_id)
    return 1
