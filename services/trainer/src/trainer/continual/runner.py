"""A claimed training from its lease to its candidate in the registry."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, NamedTuple
from uuid import UUID

import numpy as np
import structlog

from ictus.contracts.cases import TrainingDataset
from ictus.contracts.trainings import TrainingOutcome, TrainModel
from ictus.domain.enums import TrainingMethod
from ictus.domain.errors import IctusError, UnavailableError
from ictus.http.lease import FenceLostError
from ictus.http.patience import until_answered
from ictus.model.manifest import ModelDirectory
from ictus.model.permitted_changes import PermittedChanges, permitted_changes
from ictus.registry import Registry
from trainer.continual.candidate import require_teachable
from trainer.continual.cases import CasesRefusedError, ConfirmedSlices
from trainer.continual.fine_tuning import ImageTraining
from trainer.continual.images import (
    MethodUnavailableError,
    ReadsObjects,
    fetch_scans,
    missing_for_fine_tuning,
    open_replay,
)
from trainer.continual.protocol import (
    DatasetsClient,
    Lease,
    TrainingCancelledError,
    TrainingsClient,
)
from trainer.continual.retraining import Order, Report, Retrained, judge, prepare, retrain, write_gate
from trainer.publish import Publisher

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS: Final = 60.0
"""How long an outcome is offered to a gateway that does not listen; after that the training is claimed again."""
_DATASET: Final = "cases.safetensors"
_SCANS: Final = "scans"
_ORDER: Final = "order.json"
_GATE: Final = "gate.json"


class TrainingFailedError(IctusError):
    """The training met a fault of its own."""

    code: ClassVar[str] = "training_failed"
    title: ClassVar[str] = "The training failed on our side. Its log says why."


@dataclass(frozen=True)
class ImageSources:
    """Where a trainer finds images; it fine-tunes when it has both.

    Attributes:
        replay_dataset: folder of the data set that the champion learned from.
        store: that the de-identified volumes lie in, by an account that may read.
    """

    replay_dataset: Path | None = None
    store: ReadsObjects | None = None

    def missing(self) -> str | None:
        """What an administrator has to set first; None when nothing is missing."""
        return missing_for_fine_tuning(self.replay_dataset, has_objects=self.store is not None)


class _Task(NamedTuple):
    """What a claimed training has to do with what, and where."""

    base: ModelDirectory
    dataset: TrainingDataset
    cases: ConfirmedSlices
    order: Order
    permitted: PermittedChanges
    folder: Path
    report: Report


class _Way(NamedTuple):
    """How a claimed training makes its candidate, and how one that is registered already is judged."""

    retrain: Callable[[], Retrained]
    judge: Callable[[ModelDirectory], Retrained]


@dataclass(frozen=True)
class TrainingRunner:
    """Claims trainings, runs them, and says how they ended.

    What a training has done lies in a folder named after it, so a trainer that is killed at any moment goes on from
    there. A candidate is in the registry whole or not at all, and never under an alias.

    Attributes:
        trainings: the gateway.
        datasets: the feedback service.
        publisher: signs candidates into the registry.
        work: folder that outlives the process.
        permitted: path of the installation's own permitted changes; None takes those that Ictus comes with.
        images: what fine-tuning needs.
        now: clock.
    """

    trainings: TrainingsClient
    datasets: DatasetsClient
    publisher: Publisher
    work: Path
    permitted: Path | None = None
    images: ImageSources = ImageSources()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def drain(self, hint: UUID | None) -> int:
        """Run trainings until none waits; how many. A gateway that does not answer ends it: the sweeper rings again."""
        ended = 0
        while True:
            try:
                training = self.trainings.claim(hint)
            except UnavailableError:
                _log.warning("gateway_not_answering")
                return ended
            if training is None:
                return ended
            self.run(training)
            ended += 1

    def run(self, training: TrainModel) -> None:
        """Run a claimed training to its end, one way or the other."""
        folder = self.work / str(training.training_id)
        with structlog.contextvars.bound_contextvars(
            training_id=str(training.training_id), attempt=training.attempt, fence=training.fence
        ):
            try:
                with Lease(self.trainings, training) as lease:
                    outcome = self._candidate(training, folder, lease)
                    lease.report("Publishing", 1.0, {})
                    until_answered(
                        partial(self.trainings.complete, training, outcome), seconds=_ANSWER_SECONDS
                    )
            except FenceLostError:
                _log.warning("fence_lost")
                return
            except Exception as error:
                self._give_up(training, folder, error)
                return
            shutil.rmtree(folder, ignore_errors=True)
            _log.info("training_ended", version=outcome.version, gate_passed=outcome.gate.passed)

    def _candidate(self, training: TrainModel, folder: Path, lease: Lease) -> TrainingOutcome:
        lease.report("Loading", 0.0, {})
        permitted = permitted_changes(self.permitted)
        registry = self.publisher.registry
        base = registry.fetch(training.base_version, self.work / "models")
        dataset = self.datasets.describe(training.dataset_id)
        cases, order = self._cases(dataset, base, folder), self._order(training, folder)
        lease.report("Screening the cases", 0.05, {})
        task = _Task(base, dataset, cases, order, permitted, folder, lease.report)
        is_latent = training.method is TrainingMethod.LATENT_REPLAY
        way = self._latent_replay(task) if is_latent else self._fine_tuning(task)
        if training.candidate_version in registry.versions():
            retrained = self._registered(registry, training, dataset, way)
        else:
            retrained = way.retrain()
            lease.report("Publishing", 0.97, {})
            self._publish(retrained, training, folder)
        return TrainingOutcome(
            version=retrained.model.manifest.version,
            sha256=retrained.model.sha256,
            metrics=retrained.metrics,
            gate=retrained.gate,
        )

    def _latent_replay(self, task: _Task) -> _Way:
        order, permitted = task.order, task.permitted
        prepared = prepare(task.base, task.cases, permitted, order.seed)
        return _Way(
            lambda: retrain(prepared, task.dataset.sha256, order, permitted, task.folder, task.report),
            lambda model: judge(prepared, model, permitted, order.seed),
        )

    def _fine_tuning(self, task: _Task) -> _Way:
        """Cases whose scan is gone are left out, as if they had not been confirmed."""
        missing, store = self.images.missing(), self.images.store
        if missing is not None or store is None or self.images.replay_dataset is None:
            raise MethodUnavailableError(missing)
        require_teachable(task.base)
        replay = open_replay(self.images.replay_dataset, task.base)
        task.report("Fetching the scans", 0.08, {})
        references, cases = self.datasets.scans(task.dataset).items, task.cases
        scans = fetch_scans(references, cases, store, task.folder / _SCANS)
        there = np.array([scan is not None for scan in scans])
        prepared = prepare(task.base, cases.take(there), task.permitted, task.order.seed)
        is_left = there & np.isin(cases.cases, prepared.screened.slices.cases)
        pictures = tuple(scan for scan, left in zip(scans, is_left, strict=True) if left and scan is not None)
        images = ImageTraining(
            prepared, replay, pictures, task.permitted, task.order, task.folder, task.report, self.now
        )
        return _Way(lambda: images.retrain(task.dataset.sha256), images.judge)

    def _cases(self, dataset: TrainingDataset, base: ModelDirectory, folder: Path) -> ConfirmedSlices:
        """The data set version, fetched once."""
        if dataset.embedding_space != base.manifest.embedding_space:
            raise CasesRefusedError(
                "The data set holds embeddings of another network than this model's. Start the training again."
            )
        file = folder / _DATASET
        if not file.is_file():
            _write_whole(file, self.datasets.embeddings(dataset))
        return ConfirmedSlices.from_safetensors(file.read_bytes(), base.manifest.embedding_size)

    def _order(self, training: TrainModel, folder: Path) -> Order:
        """Version, seed and when the training began first: the manifest says the same after a restart."""
        file = folder / _ORDER
        if not file.is_file():
            began = self.now().replace(microsecond=0).isoformat()
            _write_whole(file, json.dumps({"created_at": began}).encode())
        created_at = datetime.fromisoformat(json.loads(file.read_bytes())["created_at"])
        return Order(training.candidate_version, training.seed, created_at)

    def _registered(
        self,
        registry: Registry,
        training: TrainModel,
        dataset: TrainingDataset,
        way: _Way,
    ) -> Retrained:
        """A candidate that an earlier attempt published before it was cut short, judged again."""
        model = registry.fetch(training.candidate_version, self.work / "models")
        if model.manifest.training.dataset_sha256 != dataset.sha256:
            raise CasesRefusedError("Another model is registered under the version of this candidate.")
        return way.judge(model)

    def _publish(self, retrained: Retrained, training: TrainModel, folder: Path) -> None:
        gate = folder / _GATE
        write_gate(retrained.gate, gate)
        self.publisher.propose(
            retrained.model.path,
            training_id=training.training_id,
            gate_passed=retrained.gate.passed,
            files=(gate,),
        )

    def _give_up(self, training: TrainModel, folder: Path, error: Exception) -> None:
        """Tell the gateway why; only what passes by itself is tried again, from where it stood."""
        reason = error if isinstance(error, IctusError) else TrainingFailedError()
        retryable = isinstance(reason, UnavailableError)
        if isinstance(reason, TrainingCancelledError):
            _log.info("training_cancelled")
        else:
            _log.error("training_given_up", code=reason.code, retryable=retryable, exc_info=error)
        if not retryable:
            shutil.rmtree(folder, ignore_errors=True)
        try:
            until_answered(
                partial(self.trainings.fail, training, reason, retryable=retryable), seconds=_ANSWER_SECONDS
            )
        except IctusError as unheard:
            _log.warning("failure_not_heard", code=unheard.code)


def _write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(content)
    part.replace(file)
