"""The job service as a dependency of request handlers."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from gateway.database import after_commit
from gateway.deps import Clock, DbSession, Queue, Settings
from gateway.jobs.doorbell import Doorbell
from gateway.jobs.policy import JobPolicy
from gateway.jobs.service import JobService


def get_jobs(session: DbSession, clock: Clock, settings: Settings, queue: Queue) -> JobService:
    """The job service of this request; the doorbell rings after its commit."""
    doorbell = Doorbell(queue)

    def ring(job_id: UUID) -> None:
        after_commit(session, partial(doorbell.ring, job_id))

    return JobService(session, clock(), JobPolicy.of(settings), ring)


Jobs = Annotated[JobService, Depends(get_jobs)]
