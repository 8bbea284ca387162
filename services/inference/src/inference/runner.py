"""One claimed job from lease to answer."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import ClassVar, Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind, StatusCode

from ictus.contracts.jobs import AnalyzeStudy, SeriesRef
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Stage
from ictus.domain.errors import IctusError, MalformedFileError, UnavailableError
from ictus.http.lease import FenceLostError
from ictus.http.patience import until_answered
from ictus.imaging.volume import Volume
from ictus.storage import ObjectStore
from ictus.telemetry import span
from inference.artefacts import LoadedModel, ModelStore, VersionAwayError, VersionRefusedError
from inference.health import Pulse
from inference.jobs import JobsClient, Lease
from inference.metrics import WorkerMetrics
from inference.pipeline import SeriesInput, analyse
from inference.results import StoredResults

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS: Final = 60.0
"""How long an answer is offered to a gateway that does not listen; after that the sweeper has the job redone."""


class WorkerStoppingError(UnavailableError):
    """The worker was told to stop and gives the job back unfinished."""

    code: ClassVar[str] = "worker_stopping"
    title: ClassVar[str] = "The analysis worker was stopped. The analysis starts again by itself."


class AnalysisFailedError(IctusError):
    """The analysis met a fault of its own."""

    code: ClassVar[str] = "analysis_failed"
    title: ClassVar[str] = "The analysis failed on our side. An administrator can start it again."


class OutOfMemoryError(UnavailableError):
    """The worker had too little memory for this study."""

    code: ClassVar[str] = "out_of_memory"
    title: ClassVar[str] = "The analysis ran out of memory."


class VolumeChangedError(MalformedFileError):
    """The stored volume is not the one that intake wrote."""

    code: ClassVar[str] = "volume_changed"
    title: ClassVar[str] = "The stored scan was changed or damaged after upload. Please upload it again."


class Stopping:
    """Whether this worker was told to stop, and how long ago. ``begin`` may be called from a signal handler.

    Args:
        grace_seconds: how long a running job may go on.
        monotonic: clock in seconds.
    """

    def __init__(self, grace_seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._grace_seconds = grace_seconds
        self._monotonic = monotonic
        self._deadline: float | None = None

    def begin(self) -> None:
        """Start no further job."""
        if self._deadline is None:
            self._deadline = self._monotonic() + self._grace_seconds

    @property
    def begun(self) -> bool:
        """Whether no further job may be started."""
        return self._deadline is not None

    def check(self) -> None:
        """Raise ``WorkerStoppingError`` when the running job has no time left."""
        if self._deadline is not None and self._monotonic() > self._deadline:
            raise WorkerStoppingError


class JobRunner:
    """Claims jobs, analyses them, and answers.

    Args:
        jobs: the gateway.
        models: the models of this worker.
        store: volumes in, pictures out.
        pulse: beaten as a job goes on.
        stopping: asked between steps.
        metrics: told how each job ended.
        upload_threads: pictures on their way to the store at one time.
    """

    def __init__(
        self,
        jobs: JobsClient,
        models: ModelStore,
        store: ObjectStore,
        pulse: Pulse,
        stopping: Stopping,
        metrics: WorkerMetrics,
        *,
        upload_threads: int = 4,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._store = store
        self._pulse = pulse
        self._stopping = stopping
        self._metrics = metrics
        self._upload_threads = upload_threads

    def drain(self, hint: UUID | None) -> int:
        """Answer jobs until none waits; how many. A wake-up that was lost is made good by the next one.

        A gateway that does not answer ends it quietly: the sweeper rings again.
        """
        answered = 0
        while not self._stopping.begun:
            self._pulse.beat()
            if not self._models.ready:
                _log.warning("no_model_yet")
                break
            champion = self._models.current().version
            try:
                job = self._jobs.claim(champion, hint)
            except UnavailableError:
                _log.warning("gateway_not_answering")
                break
            if job is None:
                break
            self.run(job, champion)
            answered += 1
        return answered

    def run(self, job: AnalyzeStudy, champion: str | None = None) -> None:
        """Analyse a claimed job and answer it, one way or the other.

        Args:
            job: the job.
            champion: the version that the claim was made with; None takes the present one.
        """
        named: dict[str, str | int] = {
            "job_id": str(job.job_id),
            "study_id": str(job.study_id),
            "attempt": job.attempt,
            "fence": job.fence,
        }
        with (
            structlog.contextvars.bound_contextvars(**named),
            span("analyse", traceparent=job.traceparent, kind=SpanKind.CONSUMER, attributes=named) as traced,
        ):
            started = time.monotonic()
            with Lease(self._jobs, job) as lease:
                try:
                    result = self._analyse(job, champion, lease)
                    until_answered(partial(self._jobs.complete, job, result), seconds=_ANSWER_SECONDS)
                except FenceLostError:
                    _log.warning("fence_lost")
                    traced.set_status(StatusCode.ERROR, FenceLostError.code)
                    self._metrics.lost()
                    return
                except Exception as error:
                    reason = self._give_up(job, error)
                    traced.set_status(StatusCode.ERROR, reason.code)
                    self._metrics.given_up(reason.code)
                    return
            traced.set_attributes(
                {"ictus.disposition": result.disposition, "ictus.model_version": result.model_version}
            )
            self._metrics.answered(result)
            _log.info(
                "job_answered",
                disposition=result.disposition,
                model_version=result.model_version,
                seconds=round(time.monotonic() - started, 3),
            )

    def _analyse(self, job: AnalyzeStudy, champion: str | None, lease: Lease) -> PredictionResult:
        def report(stage: Stage, done: int = 0, total: int = 0) -> None:
            self._pulse.beat()
            self._stopping.check()
            lease.report(stage, done, total)

        report(Stage.LOADING)
        inputs = [
            SeriesInput(series.series_id, series.slices, partial(load_volume, self._store, series))
            for series in job.series
        ]
        with self._model_for(job, champion) as model:
            if not job.stores_objects:
                return analyse(model, inputs, None, report)
            with StoredResults(self._store, job.result_prefix, self._upload_threads) as results:
                return analyse(model, inputs, results, report)

    @contextmanager
    def _model_for(self, job: AnalyzeStudy, champion: str | None) -> Iterator[LoadedModel]:
        """The version that the job names, else the champion that it was claimed with, else the present one."""
        with ExitStack() as held:
            try:
                model = held.enter_context(self._models.use(job.model_version or champion))
            except (VersionRefusedError, VersionAwayError):
                if job.model_version is not None:
                    raise
                model = held.enter_context(self._models.use(None))
            yield model

    def _give_up(self, job: AnalyzeStudy, error: Exception) -> IctusError:
        """Tell the gateway why, and return that; only errors that pass by themselves are tried again."""
        match error:
            case IctusError():
                reason = error
            case MemoryError():
                reason = OutOfMemoryError()
            case _:
                reason = AnalysisFailedError()
        retryable = isinstance(reason, UnavailableError)
        _log.error("job_given_up", code=reason.code, retryable=retryable, exc_info=error)
        try:
            until_answered(
                partial(self._jobs.fail, job, reason, retryable=retryable), seconds=_ANSWER_SECONDS
            )
        except IctusError as unheard:
            _log.warning("failure_not_heard", code=unheard.code)
        return reason


def load_volume(store: ObjectStore, series: SeriesRef) -> Volume:
    """Fetch a canonical volume and make sure that it is the one that intake wrote.

    Raises:
        ObjectMissingError: it is not there.
        VolumeChangedError: it is another one.
        UnavailableError: the store does not answer.
    """
    data = store.get_bytes(series.volume_key)
    if hashlib.sha256(data).hexdigest() != series.volume_sha256:
        raise VolumeChangedError
    return Volume.from_bytes(data)
