"""The training protocol between the gateway and the trainer. It works as the job protocol does.

Postgres is the truth, and one training runs at a time. A trainer that heard the doorbell claims the training over
HTTP and gets a lease and a fencing token (``fence``, raised by one at each claim). Heartbeats extend the lease, show
the progress and answer whether the training is to stop. A trainer whose lease ran out is a zombie: its fence is
stale, and what it says is answered with 409 ``fence_lost`` and changes nothing. ``complete`` and ``fail`` are
idempotent for the same fence. Each claim after the first is of the same ``training_id``, so a trainer that keeps its
work by that id goes on where the one before it ended.

    POST /internal/v1/trainings/claim                    ClaimTraining     -> 200 TrainModel | 204 nothing to do
    PUT  /internal/v1/trainings/methods                  TrainerMethods    -> 204
    POST /internal/v1/trainings/{training_id}/heartbeat  TrainingHeartbeat -> 200 TrainingLease | 409 fence_lost
    POST /internal/v1/trainings/{training_id}/complete   CompleteTraining  -> 204               | 409 fence_lost
    POST /internal/v1/trainings/{training_id}/fail       FailTraining      -> 204               | 409 fence_lost

Requests carry ``Authorization: Bearer <trainer's token>``. A candidate is in the registry, signed and without an
alias, before ``complete`` names it; the gateway alone moves aliases.
"""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from ictus.contracts.base import Contract
from ictus.domain.enums import TrainingMethod

_SHA256 = r"^[0-9a-f]{64}$"
_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class ClaimTraining(Contract):
    """A trainer asks for work."""

    schema_version: Literal[1] = 1
    worker_id: str = Field(max_length=200)
    training_id: UUID | None = Field(default=None, description="The training of the wake-up; a hint only.")


class TrainerMethods(Contract):
    """What a trainer says when it starts: the ways of learning that it lacks something for, and what it lacks."""

    schema_version: Literal[1] = 1
    missing: dict[TrainingMethod, str] = Field(
        description="In words for an administrator; a method that is not named can be asked for."
    )


class TrainModel(Contract):
    """A claimed training: what is to be learned, from what, and on top of which version."""

    schema_version: Literal[1] = 1
    training_id: UUID
    attempt: int = Field(ge=1)
    fence: int = Field(ge=1)
    lease_expires_at: datetime
    heartbeat_seconds: float = Field(gt=0)
    method: TrainingMethod
    base_version: str = Field(description="The champion when the training was asked for.")
    dataset_id: UUID = Field(description="Of the feedback service (``ictus.contracts.cases``).")
    candidate_version: str = Field(
        pattern=_VERSION, max_length=64, description="The version to publish the candidate as."
    )
    seed: int = Field(ge=0, description="The same seed, base and dataset give the same candidate.")


class TrainingProgress(Contract):
    """How far a training is."""

    stage: str = Field(max_length=64, description="The step, as it is shown: e.g. 'Learning'.")
    fraction: float = Field(ge=0, le=1, description="Of the whole training.")
    figures: dict[str, float] = Field(default_factory=dict, max_length=32, description="E.g. the loss.")


class TrainingHeartbeat(Contract):
    """Still alive, and how far."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    progress: TrainingProgress


class TrainingLease(Contract):
    """The answer to a heartbeat. A trainer that is to stop answers with ``fail``."""

    schema_version: Literal[1] = 1
    lease_expires_at: datetime
    cancel: bool = False


class GateCheck(Contract):
    """One question of the gate: a figure of the candidate, held against its bound."""

    name: str = Field(max_length=64, description="Stable, e.g. 'auc_difference'.")
    subgroup: str | None = Field(default=None, max_length=64, description="Null: over all test cases.")
    measured: float | None = Field(description="Null: it could not be measured, and the sentence says why.")
    lower_bound: float | None = Field(default=None, description="Of its 95 % interval, where there is one.")
    bound: float | None = Field(description="What the permitted changes ask for.")
    passed: bool
    sentence: str = Field(max_length=500, description="The same in plain words.")


class GateReport(Contract):
    """What the gate says of a candidate; it passed when every check did."""

    passed: bool
    checks: tuple[GateCheck, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.passed != all(check.passed for check in self.checks):
            raise ValueError("a candidate passes when it passes every check")
        return self


class TrainingOutcome(Contract):
    """A candidate that lies in the registry."""

    version: str = Field(pattern=_VERSION, max_length=64)
    sha256: str = Field(pattern=_SHA256, description="Digest of the manifest.")
    metrics: dict[str, float] = Field(max_length=200)
    gate: GateReport


class CompleteTraining(Contract):
    """A training that came to its end, whether or not the gate lets its candidate pass."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    worker_id: str = Field(max_length=200)
    outcome: TrainingOutcome


class FailTraining(Contract):
    """An attempt that ended without a candidate. Retryable ones are queued again, three attempts in all."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    worker_id: str = Field(max_length=200)
    code: str = Field(max_length=64)
    reason: str = Field(max_length=500, description="In words for an administrator.")
    retryable: bool = False
