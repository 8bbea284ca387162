"""The worker's side of the job protocol (``ictus.contracts.jobs``)."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Final, Self
from uuid import UUID

import structlog

from ictus.contracts.jobs import AnalyzeStudy, ClaimRequest, CompleteJob, FailJob, Heartbeat, LeaseState
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Stage
from ictus.domain.errors import ConflictError, IctusError, UnavailableError
from ictus.http.client import RemoteError, ServiceClient

_log = structlog.get_logger(__name__)

_JOBS: Final = "/internal/v1/jobs"
_DETAIL_LIMIT: Final = 500
_SOONEST: Final = 0.25
"""Seconds between two heartbeats at least, however fast the stages change: a short job needs none."""
_PROGRESS_SECONDS: Final = 1.0


class FenceLostError(ConflictError):
    """Another worker holds this job by now; what this one found must not be told."""

    code: ClassVar[str] = "fence_lost"
    title: ClassVar[str] = "Another worker has taken this job over."


class JobCancelledError(ConflictError):
    """The job was cancelled while it ran."""

    code: ClassVar[str] = "job_cancelled"
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
        self.worker_id = worker_id

    def claim(self, model_version: str | None, hint: UUID | None) -> AnalyzeStudy | None:
        """The most urgent waiting job, or None when there is nothing to do."""
        request = ClaimRequest(worker_id=self.worker_id, model_version=model_version, job_id=hint)
        return self._gateway.call("POST", f"{_JOBS}/claim", AnalyzeStudy, body=request)

    def heartbeat(self, job: AnalyzeStudy, stage: Stage, done: int, total: int) -> LeaseState:
        """Extend the lease and say how far the job is."""
        beat = Heartbeat(fence=job.fence, stage=stage, done=done, total=total)
        try:
            state = self._gateway.call("POST", f"{_JOBS}/{job.job_id}/heartbeat", LeaseState, body=beat)
        except RemoteError as error:
            raise _of_this_protocol(error) from error
        if state is None:
            raise UnavailableError
        return state

    def complete(self, job: AnalyzeStudy, result: PredictionResult) -> None:
        """Give the answer; harmless to repeat."""
        self._end(job, "complete", CompleteJob(fence=job.fence, worker_id=self.worker_id, result=result))

    def fail(self, job: AnalyzeStudy, error: IctusError, *, retryable: bool) -> None:
        """Give the job up; harmless to repeat."""
        failure = FailJob(
            fence=job.fence,
            worker_id=self.worker_id,
            code=error.code,
            detail=error.detail[:_DETAIL_LIMIT],
            retryable=retryable,
        )
        self._end(job, "fail", failure)

    def _end(self, job: AnalyzeStudy, verb: str, body: CompleteJob | FailJob) -> None:
        try:
            self._gateway.tell("POST", f"{_JOBS}/{job.job_id}/{verb}", body=body)
        except RemoteError as error:
            raise _of_this_protocol(error) from error


def _of_this_protocol(error: RemoteError) -> IctusError:
    return FenceLostError() if error.remote_code == FenceLostError.code else error


def until_answered(
    act: Callable[[], None],
    *,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Repeat ``act`` while the other side does not answer, with growing pauses.

    Raises:
        UnavailableError: no answer within ``seconds``.
    """
    deadline = monotonic() + seconds
    pause = 0.1
    while True:
        try:
            act()
        except UnavailableError:
            if monotonic() + pause > deadline:
                raise
            sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return


class Lease:
    """Keeps a claimed job ours while it runs, and carries its progress, from a thread of its own.

    A heartbeat that is not answered is no reason to stop: the lease may outlast the outage, and a fence
    decides in the end. One that is refused is.

    Args:
        client: the gateway.
        job: the claimed job.
        monotonic: clock in seconds.
    """

    def __init__(
        self, client: JobsClient, job: AnalyzeStudy, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._job = job
        self._monotonic = monotonic
        self._told_at = monotonic()
        self._progress = (Stage.LOADING, 0, 0)
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._lost: IctusError | None = None
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._changed.set()
        self._thread.join()

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Note how far the job is; the gateway learns of a new stage soon, of slices about once a second.

        Raises:
            FenceLostError: the job is another worker's by now; stop.
            JobCancelledError: nobody wants the answer any more; stop.
        """
        new_stage = stage is not self._progress[0]
        self._progress = (stage, done, total)
        if new_stage or self._monotonic() - self._told_at > _PROGRESS_SECONDS:
            self._changed.set()
        if self._lost is not None:
            raise self._lost

    def _beat(self) -> None:
        while not self._ended.wait(_SOONEST):
            self._changed.wait(max(0.0, self._job.heartbeat_seconds - _SOONEST))
            self._changed.clear()
            if self._ended.is_set():
                return
            self._told_at = self._monotonic()
            try:
                state = self._client.heartbeat(self._job, *self._progress)
            except FenceLostError as error:
                self._lost = error
                return
            except IctusError as error:
                _log.warning("heartbeat_not_answered", job_id=str(self._job.job_id), code=error.code)
            else:
                if state.cancel_requested:
                    self._lost = JobCancelledError()
                    return
