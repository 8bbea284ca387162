"""The trainer's side of the training protocol, and its way to data sets (``ictus.contracts.trainings``, ``cases``)."""

import hashlib
from collections.abc import Mapping
from typing import ClassVar, Final
from uuid import UUID

from ictus.contracts.cases import DatasetScans, TrainingDataset
from ictus.contracts.trainings import (
    ClaimTraining,
    CompleteTraining,
    FailTraining,
    TrainerMethods,
    TrainingHeartbeat,
    TrainingLease,
    TrainingOutcome,
    TrainingProgress,
    TrainModel,
)
from ictus.domain.enums import TrainingMethod
from ictus.domain.errors import ConflictError, IctusError, UnavailableError
from ictus.http.client import RemoteError, ServiceClient
from ictus.http.lease import Claims, HeldLease
from trainer.continual.cases import CasesRefusedError

_TRAININGS: Final = "/internal/v1/trainings"
_DATASETS: Final = "/internal/v1/datasets"
_DETAIL_LIMIT: Final = 500


class TrainingCancelledError(ConflictError):
    """An administrator stopped the training."""

    code: ClassVar[str] = "cancelled"
    title: ClassVar[str] = "The training was cancelled."


class TrainingsClient:
    """Claims, extends and ends trainings at the gateway.

    Every method raises ``UnavailableError`` when the gateway does not answer, and all but ``claim`` raise
    ``FenceLostError`` when the training is no longer this trainer's.

    Args:
        gateway: client of the gateway, with the trainer's token.
        worker_id: this trainer's name, as an administrator sees it.
    """

    def __init__(self, gateway: ServiceClient, worker_id: str) -> None:
        self._gateway = gateway
        self._claims = Claims(gateway, _TRAININGS)
        self._worker_id = worker_id

    def tell_missing(self, missing: Mapping[TrainingMethod, str]) -> None:
        """Say what this trainer lacks for a way of learning."""
        self._gateway.tell("PUT", f"{_TRAININGS}/methods", body=TrainerMethods(missing=dict(missing)))

    def claim(self, hint: UUID | None) -> TrainModel | None:
        """The training that waits, or None when there is nothing to do."""
        request = ClaimTraining(worker_id=self._worker_id, training_id=hint)
        return self._gateway.call("POST", f"{_TRAININGS}/claim", TrainModel, body=request)

    def heartbeat(self, training: TrainModel, progress: TrainingProgress) -> TrainingLease:
        """Extend the lease and say how far the training is."""
        beat = TrainingHeartbeat(fence=training.fence, progress=progress)
        return self._claims.beat(training.training_id, beat, TrainingLease)

    def complete(self, training: TrainModel, outcome: TrainingOutcome) -> None:
        """Name the candidate; harmless to repeat."""
        body = CompleteTraining(fence=training.fence, worker_id=self._worker_id, outcome=outcome)
        self._claims.end(training.training_id, "complete", body)

    def fail(self, training: TrainModel, error: IctusError, *, retryable: bool) -> None:
        """Give the attempt up; harmless to repeat."""
        failure = FailTraining(
            fence=training.fence,
            worker_id=self._worker_id,
            code=error.code[:64],
            reason=error.detail[:_DETAIL_LIMIT],
            retryable=retryable,
        )
        self._claims.end(training.training_id, "fail", failure)


class DatasetsClient:
    """Data set versions of the feedback service.

    Args:
        feedback: client of the feedback service, with the trainer's token.
    """

    def __init__(self, feedback: ServiceClient) -> None:
        self._feedback = feedback

    def describe(self, dataset_id: UUID) -> TrainingDataset:
        """What a version holds.

        Raises:
            CasesRefusedError: there is no such version, or cases of it were erased since.
            UnavailableError: the service does not answer.
        """
        try:
            found = self._feedback.call("GET", f"{_DATASETS}/{dataset_id}", TrainingDataset)
        except RemoteError as error:
            raise CasesRefusedError(error.detail) from error
        if found is None:
            raise UnavailableError
        if found.erased_cases:
            raise CasesRefusedError(
                "Studies whose cases this data set holds were erased. Start the training again: it will use what is left."
            )
        return found

    def embeddings(self, dataset: TrainingDataset) -> bytes:
        """The verified content of a version.

        Raises:
            CasesRefusedError: what came is not what was frozen, or cases of it were erased since.
            UnavailableError: the service does not answer.
        """
        try:
            data = self._feedback.download(f"{_DATASETS}/{dataset.dataset_id}/embeddings")
        except RemoteError as error:
            raise CasesRefusedError(error.detail) from error
        if hashlib.sha256(data).hexdigest() != dataset.sha256:
            raise CasesRefusedError("The data set of confirmed cases was changed since it was made.")
        return data

    def scans(self, dataset: TrainingDataset) -> DatasetScans:
        """Where the images of a version lie.

        Raises:
            CasesRefusedError: cases of it were erased since.
            UnavailableError: the service does not answer.
        """
        try:
            found = self._feedback.call("GET", f"{_DATASETS}/{dataset.dataset_id}/scans", DatasetScans)
        except RemoteError as error:
            raise CasesRefusedError(error.detail) from error
        if found is None:
            raise UnavailableError
        return found


class Lease(HeldLease):
    """Keeps a claimed training ours while it runs, and carries its progress.

    Args:
        client: the gateway.
        training: the claimed training.
    """

    def __init__(self, client: TrainingsClient, training: TrainModel) -> None:
        super().__init__(training.heartbeat_seconds)
        self._client = client
        self._training = training
        self._progress = TrainingProgress(stage="Loading", fraction=0.0)

    def report(self, stage: str, fraction: float, figures: dict[str, float]) -> None:
        """Note how far the training is; the gateway learns of it soon.

        Raises:
            FenceLostError: the training is another trainer's by now; stop.
            TrainingCancelledError: nobody wants the candidate any more; stop.
        """
        self._progress = TrainingProgress(stage=stage, fraction=min(max(fraction, 0.0), 1.0), figures=figures)
        self._go_on(tell_soon=True)

    def _beat(self) -> IctusError | None:
        lease = self._client.heartbeat(self._training, self._progress)
        return TrainingCancelledError() if lease.cancel else None

    @property
    def _named(self) -> dict[str, str]:
        return {"training_id": str(self._training.training_id)}
