"""Tables of the job protocol: the job, and one row for each attempt at it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import JobState, Priority, Stage


class JobKind(StrEnum):
    """What an analysis is for.

    ``primary``: its answer is the study's result. ``shadow``: another version is asked about a study that has its
    result, for comparison alone. It comes after every primary one, and nothing of it shows.
    """

    PRIMARY = "primary"
    SHADOW = "shadow"


class Job(Base):
    """One analysis of one study. ``fence`` counts its claims; ``attempt`` those since it was last queued anew.

    A lease is ``worker_id`` and ``lease_expires_at``, set while the job is running and null otherwise.
    ``model_version`` is the version asked for, ``claimed_version`` the one that the present or last attempt was to
    answer with (a canary may say so where nobody asked), both null for the champion. ``shadow_of`` is the job whose
    answer a shadow job is compared with. ``traceparent`` is the trace of the request that queued it.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_study", "study_id", "created_at"),
        Index(
            "uq_jobs_study_open",
            "study_id",
            "kind",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_jobs_queue",
            text("(kind = 'shadow')"),
            text("(priority = 'STAT') DESC"),
            "created_at",
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_jobs_shadow_of", "shadow_of"),
        Index("ix_jobs_leases", "lease_expires_at", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_completed", "finished_at", postgresql_where=text("state = 'completed'")),
        Index("ix_jobs_failed", "finished_at", "id", postgresql_where=text("state = 'failed'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    kind: Mapped[JobKind] = mapped_column(enum_column(JobKind), default=JobKind.PRIMARY)
    shadow_of: Mapped[UUID | None] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"))
    state: Mapped[JobState] = mapped_column(enum_column(JobState))
    priority: Mapped[Priority] = mapped_column(enum_column(Priority))
    model_version: Mapped[str | None] = mapped_column(Text)
    claimed_version: Mapped[str | None] = mapped_column(Text)
    requested_by: Mapped[UUID]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]

    attempt: Mapped[int] = mapped_column(SmallInteger)
    fence: Mapped[int] = mapped_column(BigInteger)
    worker_id: Mapped[str | None] = mapped_column(Text)
    lease_expires_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool]

    stage: Mapped[Stage | None] = mapped_column(enum_column(Stage))
    done: Mapped[int]
    total: Mapped[int]
    progress_at: Mapped[datetime | None]

    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_detail: Mapped[str | None] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    LEASE_LOST = "lease_lost"
    CANCELLED = "cancelled"


class Attempt(Base):
    """One claim of a job, kept: who tried, how it ended. ``outcome`` is null while it runs."""

    __tablename__ = "job_attempts"
    __table_args__ = (Index("ix_job_attempts_claimed", "claimed_at"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    worker_id: Mapped[str] = mapped_column(Text)
    claimed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[AttemptOutcome | None] = mapped_column(enum_column(AttemptOutcome))
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_detail: Mapped[str | None] = mapped_column(Text)
