"""What the API says about trainings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.trainings.models import Training, TrainingApproval
from ictus.contracts.cases import TrainingDataset
from ictus.contracts.trainings import GateReport
from ictus.domain.enums import TrainingMethod, TrainingState


class TrainingRequest(BaseModel):
    """Ask for a training of the model in use."""

    model_config = ConfigDict(extra="forbid")

    method: TrainingMethod = TrainingMethod.LATENT_REPLAY
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="Null: drawn. The same seed, model and cases give the same candidate.",
    )


class MethodOut(BaseModel):
    """A way of learning, and whether the trainer can."""

    method: TrainingMethod
    missing: str | None = Field(description="What an administrator must set first; null: it can be started.")


class ApprovalRequest(BaseModel):
    """An administrator's word for a candidate."""

    model_config = ConfigDict(extra="forbid")

    publish: bool = Field(
        default=True,
        description="Whether the model is put to use at once when this is the last approval needed. False leaves it "
        "approved, for a canary or a later `POST /models/{version}/promote`.",
    )


class RejectionRequest(BaseModel):
    """Why a candidate is not wanted."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500)


class ProgressOut(BaseModel):
    """How far a training is."""

    stage: str | None
    fraction: float = Field(description="0..1, of the whole training.")
    figures: dict[str, float]
    at: datetime | None


class ApprovalOut(BaseModel):
    """Who approved a candidate, and when."""

    approver_id: UUID
    approver: str = Field(description="The name.")
    approved_at: datetime


class TrainingOut(BaseModel):
    """One training, its candidate and what was decided on it."""

    id: UUID
    state: TrainingState
    method: TrainingMethod
    base_version: str
    candidate_version: str
    candidate_sha256: str | None = Field(description="Null until the candidate is registered.")
    seed: int
    dataset: TrainingDataset = Field(description="As it was when the training was asked for.")
    automatic: bool
    requested_by: UUID | None = Field(description="Null when it started by itself.")
    requested_by_name: str | None
    requested_at: datetime
    attempt: int = Field(description="Attempts so far; three at most.")
    progress: ProgressOut
    started_at: datetime | None
    finished_at: datetime | None
    failure_code: str | None
    failure_reason: str | None = Field(description="Why the last attempt failed, in words.")
    metrics: dict[str, float] | None
    gate: GateReport | None
    approvals: list[ApprovalOut]
    approvals_needed: int
    rejected_by: UUID | None
    rejected_by_name: str | None
    rejected_reason: str | None
    decided_at: datetime | None = Field(description="When it was published, rejected or superseded.")

    @classmethod
    def of(
        cls,
        training: Training,
        approvals: list[TrainingApproval],
        names: Mapping[UUID, str],
        approvals_needed: int,
    ) -> Self:
        """What is stored, as the API tells it. ``names`` are those of people by id."""
        return cls(
            id=training.id,
            state=training.state,
            method=training.method,
            base_version=training.base_version,
            candidate_version=training.candidate_version,
            candidate_sha256=training.candidate_sha256,
            seed=training.seed,
            dataset=TrainingDataset.model_validate(training.dataset),
            automatic=training.requested_by is None,
            requested_by=training.requested_by,
            requested_by_name=names.get(training.requested_by) if training.requested_by else None,
            requested_at=training.requested_at,
            attempt=training.attempt,
            progress=ProgressOut(
                stage=training.stage,
                fraction=training.fraction,
                figures=training.figures,
                at=training.progress_at,
            ),
            started_at=training.started_at,
            finished_at=training.finished_at,
            failure_code=training.failure_code,
            failure_reason=training.failure_reason,
            metrics=training.metrics,
            gate=None if training.gate is None else GateReport.model_validate(training.gate),
            approvals=[
                ApprovalOut(
                    approver_id=one.approver_id,
                    approver=names.get(one.approver_id, ""),
                    approved_at=one.approved_at,
                )
                for one in approvals
            ],
            approvals_needed=approvals_needed,
            rejected_by=training.rejected_by,
            rejected_by_name=names.get(training.rejected_by) if training.rejected_by else None,
            rejected_reason=training.rejected_reason,
            decided_at=training.decided_at,
        )
