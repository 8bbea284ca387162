"""Tables of results: the answer of a job, and the outbox of what other services must be told."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from gateway.outgoing import Outgoing
from ictus.database import enum_column


class Result(Base):
    """The answer of a completed job, one at most: ``prediction`` is the ``PredictionResult`` as it came."""

    __tablename__ = "results"
    __table_args__ = (Index("ix_results_study", "study_id", "completed_at"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"), primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    fence: Mapped[int] = mapped_column(BigInteger)
    worker_id: Mapped[str] = mapped_column(Text)
    model_version: Mapped[str] = mapped_column(Text)
    completed_at: Mapped[datetime]
    prediction: Mapped[dict[str, Any]] = mapped_column(JSONB)


class OutboxTopic(StrEnum):
    """What kind of message waits, which decides where it goes."""

    REVIEW_ITEM = "review_item"
    STUDY_ERASED = "study_erased"


class OutboxMessage(Outgoing, Base):
    """A message to another service, written with the change that it tells of and kept until it was taken."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "subject_id", name="uq_outbox_topic_subject"),
        Index("ix_outbox_due", "next_attempt_at", postgresql_where=text("delivered_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[OutboxTopic] = mapped_column(enum_column(OutboxTopic))
    subject_id: Mapped[UUID]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
