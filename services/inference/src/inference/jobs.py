"""The worker's side of the job protocol (``ictus.contracts.jobs``)."""

import time
from collections.abc import Callable
from typing import ClassVar, Final
from uuid import UUID

from ictus.contracts.jobs import (
    JOB_CANCELLED,
    AnalyzeStudy,
    ClaimRequest,
    CompleteJob,
    FailJob,
    Heartbeat,
    LeaseState,
)
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Stage
from ictus.domain.errors import ConflictError, IctusError
from ictus.http.client import ServiceClient
from ictus.http.lease import Claims, HeldLease

_JOBS: Final = "/internal/v1/jobs"
_DETAIL_LIMIT: Final = 500
_PROGRESS_SECONDS: Final = 1.0


class JobCancelledError(ConflictError):
    """The job was cancelled while it ran."""

    code: ClassVar[str] = JOB_CANCELLED
    title: ClassVar[str] = "The job was cancelled."


class JobsClient:
    """Claims, extends and ends jobs at the gateway.

    Every method raises ``UnavailableError`` when the gateway does not answer, and all but ``claim`` raise
    ``FenceLostError`` when the job is no longer this worker's.

    Args:
        gateway: client of the gateway, with this worker's token.
        worker_id: this worker's name, as an admin sees it.
    """

    def __init__(self, gateway: ServiceClient, worker_id: str) -> None:
        self._gateway = gateway
        self._claims = Claims(gateway, _JOBS)
        self.worker_id = worker_id

    def claim(self, model_version: str | None, hint: UUID | None) -> AnalyzeStudy | None:
        """The most urgent waiting job, or None when there is nothing to do."""
        request = ClaimRequest(worker_id=self.worker_id, model_version=model_version, job_id=hint)
        return self._gateway.call("POST", f"{_JOBS}/claim", AnalyzeStudy, body=request)

    def heartbeat(self, job: AnalyzeStudy, stage: Stage, done: int, total: int) -> LeaseState:
        """Extend the lease and say how far the job is."""
        beat = Heartbeat(fence=job.fence, stage=stage, done=done, total=total)
        return self._claims.beat(job.job_id, beat, LeaseState)

    def complete(self, job: AnalyzeStudy, result: PredictionResult) -> None:
        """Give the answer; harmless to repeat."""
        answer = CompleteJob(fence=job.fence, worker_id=self.worker_id, result=result)
        self._claims.end(job.job_id, "complete", answer)

    def fail(self, job: AnalyzeStudy, error: IctusError, *, retryable: bool) -> None:
        """Give the job up; harmless to repeat."""
        failure = FailJob(
            fence=job.fence,
            worker_id=self.worker_id,
            code=error.code,
            detail=error.detail[:_DETAIL_LIMIT],
            retryable=retryable,
        )
        self._claims.end(job.job_id, "fail", failure)


class Lease(HeldLease):
    """Keeps a claimed job ours while it runs, and carries its progress.

    Args:
        client: the gateway.
        job: the claimed job.
        monotonic: clock in seconds.
    """

    def __init__(
        self, client: JobsClient, job: AnalyzeStudy, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(job.heartbeat_seconds)
        self._client = client
        self._job = job
        self._monotonic = monotonic
        self._told_at = monotonic()
        self._progress = (Stage.LOADING, 0, 0)

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Note how far the job is; the gateway learns of a new stage soon, of slices about once a second.

        Raises:
            FenceLostError: the job is another worker's by now; stop.
            JobCancelledError: nobody wants the answer any more; stop.
        """
        new_stage = stage is not self._progress[0]
        self._progress = (stage, done, total)
        self._go_on(tell_soon=new_stage or self._monotonic() - self._told_at > _PROGRESS_SECONDS)

    def _beat(self) -> IctusError | None:
        self._told_at = self._monotonic()
        state = self._client.heartbeat(self._job, *self._progress)
        return JobCancelledError() if state.cancel_requested else None

    @property
    def _named(self) -> dict[str, str]:
        return {"job_id": str(self._job.job_id)}
