"""Jobs that were given up, as an admin of their site sees them."""

from uuid import UUID

from sqlalchemy.orm import Session

from gateway.cursor import time_cursor, time_position
from gateway.jobs.models import Attempt, Job
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import AttemptDetail, FailedJob, JobDetail
from gateway.paging import Page
from ictus.domain.errors import NotFoundError


def failed_jobs(session: Session, site_id: UUID, cursor: str | None, limit: int) -> Page[FailedJob]:
    """A page of failed jobs, newest first. Raises ``CursorError``."""
    jobs = JobRepository(session)
    found = jobs.failed(site_id, time_position(cursor) if cursor else None, limit + 1)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    attempts = jobs.attempts_of([job.id for job in page])
    return Page[FailedJob](
        items=[_failed(job, attempts[job.id]) for job in page],
        next_cursor=time_cursor(last.finished_at, last.id) if last and last.finished_at else None,
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
