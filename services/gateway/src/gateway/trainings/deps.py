"""The training services as dependencies of request handlers."""

from typing import Annotated

from fastapi import Depends

from gateway.deps import Clock, DbSession, Queue, Settings
from gateway.trainings.doorbell import trainer_bell
from gateway.trainings.policy import TrainingPolicy
from gateway.trainings.protocol import TrainingProtocol
from gateway.trainings.service import TrainingService


def get_trainings(session: DbSession, clock: Clock, settings: Settings, queue: Queue) -> TrainingService:
    """The administrators' service of this request; the trainer is woken after its commit."""
    return TrainingService(session, clock(), settings.training_approvals, trainer_bell(session, queue))


def get_protocol(session: DbSession, clock: Clock, settings: Settings) -> TrainingProtocol:
    """The trainer's service of this request."""
    return TrainingProtocol(session, clock(), TrainingPolicy.of(settings))


Trainings = Annotated[TrainingService, Depends(get_trainings)]
Protocol = Annotated[TrainingProtocol, Depends(get_protocol)]
