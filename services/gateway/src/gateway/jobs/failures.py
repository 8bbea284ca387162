"""Jobs that were given up, as an admin of their site sees them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.cursor import CursorError, decode_cursor, encode_cursor
from gateway.jobs.models import Attempt, Job
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import AttemptDetail, FailedJob, JobDetail
from gateway.paging import Page
from ictus.domain.errors import NotFoundError


def failed_jobs(session: Session, site_id: UUID, cursor: str | None, limit: int) -> Page[FailedJob]:
    """A page of failed jobs, newest first. Raises ``CursorError``."""
    jobs = JobRepository(session)
    found = jobs.failed(site_id, _position(cursor) if cursor else None, limit + 1)
    page = found[:limit]
    attempts = jobs.attempts_of([job.id for job in page])
    return Page[FailedJob](
        items=[_failed(job, attempts[job.id]) for job in page],
        next_cursor=_cursor(page[-1]) if len(found) > limit else None,
    )


def refuse_other_site(session: Session, site_id: UUID, job_id: UUID) -> None:
    """Raise ``NotFoundError`` unless the job analyses a study of the site."""
    if JobRepository(session).site_of(job_id) != site_id:
        raise NotFoundError("There is no such job.")


def _failed(job: Job, attempts: list[Attempt]) -> FailedJob:
    return FailedJob(
        **JobDetail.model_validate(job).model_dump(),
        attempts=[AttemptDetail.model_validate(attempt) for attempt in attempts],
    )


def _cursor(job: Job) -> str | None:
    return encode_cursor(job.finished_at.isoformat(), str(job.id)) if job.finished_at else None


def _position(cursor: str) -> tuple[datetime, UUID]:
    finished_at, job_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(finished_at), UUID(job_id)
    except ValueError:
        raise CursorError from None
