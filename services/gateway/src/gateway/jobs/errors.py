"""How the job protocol refuses."""

from typing import ClassVar

from ictus.domain.errors import ConflictError, IctusError, UnavailableError


class FenceLostError(ConflictError):
    """The lease was lost: another attempt owns the job, or it has ended. The worker drops what it has."""

    code: ClassVar[str] = "fence_lost"
    title: ClassVar[str] = "This attempt no longer owns the job; its answer was not taken."


class ResultMismatchError(IctusError):
    """An answer that is not one to the job: other series, slices, model version or object keys."""

    code: ClassVar[str] = "result_mismatch"
    title: ClassVar[str] = "The answer does not fit the job."
    status: ClassVar[int] = 422


class AnalysisOpenError(ConflictError):
    """The study's analysis has not ended yet."""

    code: ClassVar[str] = "analysis_open"
    title: ClassVar[str] = "This study is already being analysed. Wait for the answer, or cancel it first."


class JobEndedError(ConflictError):
    """The job is in a state that the wish does not fit."""

    code: ClassVar[str] = "job_state"
    title: ClassVar[str] = "The analysis has moved on in the meantime; reload to see its state."


class QueueFullError(UnavailableError):
    """Back-pressure: more analyses wait than this installation takes on."""

    code: ClassVar[str] = "queue_full"
    title: ClassVar[str] = "Too many scans are waiting for analysis. Please try again shortly."
