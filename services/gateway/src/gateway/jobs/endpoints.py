"""``/api/v1/admin/jobs`` for admins, ``/internal/v1/jobs`` for inference workers (``ictus.contracts.jobs``)."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status

from gateway.audit.trail import AuditEntry, audited
from gateway.auth.caller import Caller
from gateway.database import after_commit
from gateway.deliveries.tasks import ring_after_commit
from gateway.deps import DbSession, Resources, Settings, api_router, requires, service_router
from gateway.jobs.deps import Jobs
from gateway.jobs.errors import AnalysisOpenError, FenceLostError, JobEndedError, ResultMismatchError
from gateway.jobs.failures import failed_jobs, refuse_other_site
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import FailedJob, JobDetail, QueueStatus
from gateway.paging import Cursor, Page, PageSize
from gateway.settings import GatewaySettings
from ictus.contracts.jobs import (
    AnalyzeStudy,
    ClaimRequest,
    CompleteJob,
    FailJob,
    Heartbeat,
    LeaseState,
)
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError
from ictus.http import problems

Admin = Annotated[Caller, requires(Role.ADMIN)]

router = api_router("/admin/jobs", tag="admin")


@router.get("/failed", dependencies=[audited("job.list_failed", "job")])
def list_failed_jobs(
    caller: Admin,
    session: DbSession,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> Page[FailedJob]:
    """Analyses of the admin's site that were given up, with every attempt's reason, newest first."""
    return failed_jobs(session, caller.site_id, cursor, limit)


@router.get("/queue", dependencies=[audited("job.read_queue", "job")])
def read_queue(_caller: Admin, session: DbSession, settings: Settings) -> QueueStatus:
    """How much waits and runs, over all sites."""
    figures = JobRepository(session).figures()
    return QueueStatus(**figures._asdict(), max_queue_length=settings.max_queue_length)


@router.post(
    "/{job_id}/retry",
    responses=problems(NotFoundError, JobEndedError, AnalysisOpenError),
    dependencies=[audited("job.retry", "job")],
)
def retry_job(job_id: UUID, caller: Admin, session: DbSession, jobs: Jobs) -> JobDetail:
    """Queue a failed job again, with all its attempts."""
    refuse_other_site(session, caller.site_id, job_id)
    return JobDetail.model_validate(jobs.retry(job_id))


def internal_router(settings: GatewaySettings) -> APIRouter:
    """The job protocol."""
    protocol = service_router("/jobs", tag="jobs", token=settings.inference_token.get_secret_value())

    @protocol.post(
        "/claim",
        responses={204: {"description": "Nothing waits."}},
        response_model=AnalyzeStudy,
        dependencies=[audited("job.claim", "job")],
    )
    def claim_job(request: ClaimRequest, jobs: Jobs) -> AnalyzeStudy | Response:
        return jobs.claim(request) or Response(status_code=status.HTTP_204_NO_CONTENT)

    @protocol.post("/{job_id}/heartbeat", responses=problems(NotFoundError, FenceLostError))
    def keep_job(
        job_id: UUID, beat: Heartbeat, jobs: Jobs, audit: Annotated[AuditEntry, audited("job.keep", "job")]
    ) -> LeaseState:
        audit.detail["fence"] = beat.fence
        return jobs.heartbeat(job_id, beat)

    @protocol.post(
        "/{job_id}/complete",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=problems(NotFoundError, FenceLostError, ResultMismatchError),
    )
    def complete_job(
        job_id: UUID,
        answer: CompleteJob,
        jobs: Jobs,
        session: DbSession,
        resources: Resources,
        audit: Annotated[AuditEntry, audited("job.complete", "job")],
    ) -> None:
        audit.detail["fence"] = answer.fence
        answered = jobs.complete(job_id, answer)
        ring_after_commit(session, resources.celery)
        if answered is not None:
            after_commit(session, partial(resources.metrics.observe, answered))

    @protocol.post(
        "/{job_id}/fail",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=problems(NotFoundError, FenceLostError),
    )
    def fail_job(
        job_id: UUID, failure: FailJob, jobs: Jobs, audit: Annotated[AuditEntry, audited("job.fail", "job")]
    ) -> None:
        audit.detail["fence"] = failure.fence
        jobs.fail(job_id, failure)

    return protocol
