"""The SQL of the job protocol."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from gateway.jobs.models import Attempt, Job, JobKind
from gateway.studies.models import Study
from ictus.domain.enums import JobState, Priority

_OPEN = (JobState.QUEUED, JobState.RUNNING)


class QueueFigures(NamedTuple):
    """The queue at one moment; ``queued_stat`` are among ``queued``."""

    queued: int
    queued_stat: int
    running: int
    failed: int
    oldest_queued_at: datetime | None


class JobRepository:
    """Jobs and attempts within one transaction. Rows that will change are locked as they are read."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job) -> None:
        """Insert; a second open job of one study and kind raises IntegrityError (``uq_jobs_study_open``)."""
        self._session.add(job)
        self._session.flush()

    def has_open_shadow(self, study_id: UUID) -> bool:
        """Whether a shadow job of the study waits or runs."""
        query = select(Job.id).where(
            Job.study_id == study_id, Job.kind == JobKind.SHADOW, Job.state.in_(_OPEN)
        )
        return self._session.scalar(query.limit(1)) is not None

    def lock(self, job_id: UUID) -> Job | None:
        """The job, locked until the transaction ends."""
        return self._session.scalar(
            select(Job)
            .where(Job.id == job_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )

    def lock_all_of(self, study_id: UUID) -> Sequence[Job]:
        """The study's jobs, locked until the transaction ends."""
        return self._session.scalars(
            select(Job)
            .where(Job.study_id == study_id)
            .order_by(Job.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).all()

    def lock_most_urgent(self, now: datetime) -> Job | None:
        """STAT before routine, shadow jobs last, then the oldest; rows that another claim holds are stepped over."""
        query = self._claimable(now).limit(1)
        return self._session.scalar(query.with_for_update(key_share=True, skip_locked=True))

    def lock_expired(self, now: datetime) -> Job | None:
        """A running job whose lease ran out."""
        return self._session.scalar(
            select(Job)
            .where(Job.state == JobState.RUNNING, Job.lease_expires_at < now)
            .order_by(Job.lease_expires_at)
            .limit(1)
            .with_for_update(key_share=True, skip_locked=True)
        )

    def latest_of(self, study_id: UUID) -> Job | None:
        """The study's latest job; shadow jobs do not count."""
        return self._session.scalar(
            select(Job)
            .where(Job.study_id == study_id, Job.kind == JobKind.PRIMARY)
            .order_by(Job.created_at.desc(), Job.id.desc())
            .limit(1)
        )

    def attempt(self, job_id: UUID, fence: int) -> Attempt | None:
        """One claim of a job."""
        return self._session.get(Attempt, (job_id, fence))

    def add_attempt(self, attempt: Attempt) -> None:
        """Insert a claim."""
        self._session.add(attempt)

    def attempts_of(self, job_ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
        """Attempts by job, newest first."""
        found: dict[UUID, list[Attempt]] = {job_id: [] for job_id in job_ids}
        for attempt in self._session.scalars(
            select(Attempt).where(Attempt.job_id.in_(job_ids)).order_by(Attempt.fence.desc())
        ):
            found[attempt.job_id].append(attempt)
        return found

    def site_of(self, job_id: UUID) -> UUID | None:
        """The site whose study the job analyses."""
        return self._session.scalar(
            select(Study.site_id).join(Job, Job.study_id == Study.id).where(Job.id == job_id)
        )

    def failed(self, site_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Job]:
        """The site's failed jobs that no later job of their study has replaced, newest first."""
        later = aliased(Job)
        query = (
            select(Job)
            .join(Study, Study.id == Job.study_id)
            .where(
                Study.site_id == site_id,
                Job.state == JobState.FAILED,
                Job.kind == JobKind.PRIMARY,
                Job.finished_at.is_not(None),
                ~exists().where(
                    later.study_id == Job.study_id,
                    later.kind == JobKind.PRIMARY,
                    later.created_at > Job.created_at,
                ),
            )
            .order_by(Job.finished_at.desc(), Job.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(Job.finished_at, Job.id) < before)
        return self._session.scalars(query).all()

    def queue_length(self) -> int:
        """Jobs that wait or run; shadow jobs turn no upload away, so they do not count."""
        return self._count(Job.state.in_(_OPEN), Job.kind == JobKind.PRIMARY)

    def shadows_open(self) -> int:
        """Shadow jobs that wait or run."""
        return self._count(Job.state.in_(_OPEN), Job.kind == JobKind.SHADOW)

    def expired_leases(self, now: datetime) -> int:
        """Running jobs whose lease ran out and that no sweep has taken back yet."""
        return self._count(Job.state == JobState.RUNNING, Job.lease_expires_at < now)

    def is_primary_waiting(self, now: datetime) -> bool:
        """Whether a claim would find a job that is no shadow job."""
        query = self._claimable(now).where(Job.kind == JobKind.PRIMARY).with_only_columns(Job.id).limit(1)
        return self._session.scalar(query) is not None

    def claimable_ids(self, now: datetime, most: int) -> Sequence[UUID]:
        """Up to ``most`` jobs that a claim would find now, most urgent first."""
        return self._session.scalars(self._claimable(now).with_only_columns(Job.id).limit(most)).all()

    def figures(self) -> QueueFigures:
        """How much waits, runs and was given up, shadow jobs apart."""
        primary = Job.kind == JobKind.PRIMARY
        queued = Job.state == JobState.QUEUED
        # Apart from the others: each is counted by an index of its own, neither by the millions that are done.
        failed = select(func.count()).where(Job.state == JobState.FAILED, primary).scalar_subquery()
        row = self._session.execute(
            select(
                func.count().filter(queued),
                func.count().filter(queued, Job.priority == Priority.STAT),
                func.count().filter(Job.state == JobState.RUNNING),
                failed,
                func.min(Job.created_at).filter(queued),
            ).where(primary, Job.state.in_(_OPEN))
        ).one()
        return QueueFigures(*row)

    @staticmethod
    def _claimable(now: datetime) -> Select[Job]:
        return (
            select(Job)
            .where(Job.state == JobState.QUEUED, Job.not_before <= now)
            .order_by(
                Job.kind == JobKind.SHADOW, (Job.priority == Priority.STAT).desc(), Job.created_at, Job.id
            )
        )

    def _count(self, *conditions: ColumnElement[Any]) -> int:
        return self._session.scalar(select(func.count()).select_from(Job).where(*conditions)) or 0
