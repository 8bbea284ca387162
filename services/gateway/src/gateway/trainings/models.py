"""Tables of trainings: the training with its candidate, its attempts, and the approvals of the candidate."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from gateway.jobs.models import AttemptOutcome
from ictus.database import enum_column
from ictus.domain.enums import TrainingMethod, TrainingState


class MethodReport(Base):
    """What the trainer that started last lacks for a way of learning; ``missing`` null: nothing."""

    __tablename__ = "training_methods"

    method: Mapped[TrainingMethod] = mapped_column(enum_column(TrainingMethod), primary_key=True)
    missing: Mapped[str | None] = mapped_column(Text)
    told_at: Mapped[datetime]


class Training(Base):
    """One training. ``fence`` counts its claims; ``attempt`` those that count against the limit.

    A lease is ``worker_id`` and ``lease_expires_at``, set while a trainer has it and null otherwise.
    """

    __tablename__ = "trainings"
    __table_args__ = (
        Index(
            "uq_trainings_open",
            text("(true)"),
            unique=True,
            postgresql_where=text("state IN ('queued', 'running', 'cancelling')"),
        ),
        Index("uq_trainings_candidate", "candidate_version", unique=True),
        Index("ix_trainings_requested", text("requested_at DESC"), text("id DESC")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[TrainingState] = mapped_column(enum_column(TrainingState))
    method: Mapped[TrainingMethod] = mapped_column(enum_column(TrainingMethod))
    base_version: Mapped[str] = mapped_column(Text)
    candidate_version: Mapped[str] = mapped_column(Text)
    seed: Mapped[int]
    dataset_id: Mapped[UUID]
    dataset: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_by: Mapped[UUID | None]
    requested_at: Mapped[datetime]
    not_before: Mapped[datetime]

    attempt: Mapped[int] = mapped_column(SmallInteger)
    fence: Mapped[int] = mapped_column(BigInteger)
    worker_id: Mapped[str | None] = mapped_column(Text)
    lease_expires_at: Mapped[datetime | None]

    stage: Mapped[str | None] = mapped_column(Text)
    fraction: Mapped[float] = mapped_column(Double)
    figures: Mapped[dict[str, float]] = mapped_column(JSONB)
    progress_at: Mapped[datetime | None]

    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_reason: Mapped[str | None] = mapped_column(Text)

    candidate_sha256: Mapped[str | None] = mapped_column(Text)
    metrics: Mapped[dict[str, float] | None] = mapped_column(JSONB)
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime | None]
    rejected_by: Mapped[UUID | None]
    rejected_reason: Mapped[str | None] = mapped_column(Text)


class TrainingAttempt(Base):
    """One claim of a training, kept: who tried, how it ended. ``outcome`` is null while it runs."""

    __tablename__ = "training_attempts"

    training_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.trainings.id", ondelete="CASCADE"), primary_key=True
    )
    fence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    worker_id: Mapped[str] = mapped_column(Text)
    claimed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[AttemptOutcome | None] = mapped_column(enum_column(AttemptOutcome))
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_reason: Mapped[str | None] = mapped_column(Text)


class TrainingApproval(Base):
    """One administrator's word for a candidate; nobody gives it twice."""

    __tablename__ = "training_approvals"

    training_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.trainings.id", ondelete="CASCADE"), primary_key=True
    )
    approver_id: Mapped[UUID] = mapped_column(primary_key=True)
    approved_at: Mapped[datetime]
