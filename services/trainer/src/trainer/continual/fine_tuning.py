"""Fine-tuning: the last stages of the backbones and the head learn from images of cases, beside replayed ones.

The replay data set is the one that the champion learned from; its frozen test set is learned from by no version. What
lies before the stages that learn is run once. Since embeddings mean something else afterwards, whatever is made of
embeddings is made again: replay, test set, suitability statistics (docs/decisions/0101).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ictus.domain.enums import TrainingMethod
from ictus.model.manifest import ModelDirectory, load_model_directory
from ictus.model.permitted_changes import FineTuning, PermittedChanges
from ictus.model.suitability import embedding_novelty, load_statistics
from trainer.continual.candidate import Taught, write_candidate
from trainer.continual.gate import Evidence, Seen
from trainer.continual.images import MethodUnavailableError, ReplayImages
from trainer.continual.learning import hold_out
from trainer.continual.retraining import (
    CANDIDATE,
    Order,
    Prepared,
    Report,
    Retrained,
    evidence_of,
    identity_of,
    judge_by,
)
from trainer.data import Dataset, LabelledSlice
from trainer.exemplars import Embedded, balanced
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.suitability_refit import refit_suitability
from trainer.training.activations import KeptActivations, keep_activations, open_activations
from trainer.training.augment import Augmentation
from trainer.training.engine import TrainingData, fit, predict
from trainer.training.params import FrozenDepth, TrainingParams
from trainer.training.stages import SplitNetwork
from trainer.training.views import SliceViews, ViewGroup
from trainer.weights import load_network, round_weights

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_CHECKPOINT: Final = "network.checkpoint"
_SAME: Final = 0.05
"""By how much of its length an embedding may differ from the one that was kept of the same picture."""


@dataclass(frozen=True)
class _Rows:
    """Which row of a training's pictures is what; learned from and held out have no patient in common.

    Attributes:
        replay: of the replay data set.
        test: its frozen test set.
        cases: the screened data set of cases.
        learned: what is learned from, replay and cases.
        held_replay: of the replay, what is held out.
        held_cases: of the new cases, what is held out.
    """

    replay: Int64
    test: Int64
    cases: Int64
    learned: Int64
    held_replay: Int64
    held_cases: Int64

    @property
    def held(self) -> Int64:
        """What training is followed by."""
        return np.concatenate([self.held_replay, self.held_cases])


@dataclass(frozen=True)
class _WatchedViews(SliceViews):
    """Views that say how many of them have been made."""

    watch: Callable[[], None]

    def pixels(self, group: ViewGroup, rows: Int64) -> Iterator[Float32 | None]:
        """See ``SliceViews``."""
        for view in super().pixels(group, rows):
            self.watch()
            yield view


class ImageTraining:
    """One training by fine-tuning, kept step by step in a folder.

    Args:
        prepared: champion, cases and what is held out.
        replay: the replay data set of the champion.
        scans: the picture of each row of the screened data set.
        permitted: the permitted changes.
        order: version, seed, and when the training began first: its minutes count from there.
        folder: of this training, empty at first.
        report: told of each step; what it raises passes through.
        now: clock.
    """

    def __init__(
        self,
        prepared: Prepared,
        replay: ReplayImages,
        scans: tuple[LabelledSlice, ...],
        permitted: PermittedChanges,
        order: Order,
        folder: Path,
        report: Report,
        now: Callable[[], datetime],
    ) -> None:
        self._prepared, self._replay, self._permitted = prepared, replay, permitted
        self._order, self._folder, self._report, self._now = order, folder, report, now
        self._params = permitted.fine_tuning
        self._depth = FrozenDepth(self._params.depth)
        self._replayed, self._rows = _laid_out(prepared, replay, self._params, order.seed)
        chosen = [replay.dataset.slices[row] for row in (*self._replayed, *np.flatnonzero(replay.is_test))]
        self._dataset = Dataset("replay and cases", (*chosen, *scans), replay.dataset.sha256)
        self._kept: KeptActivations | None = None

    def retrain(self, slices_sha256: str) -> Retrained:
        """Learn, write the candidate and judge it; goes on after whatever an earlier run left.

        Args:
            slices_sha256: digest of the data set version.

        Raises:
            MethodUnavailableError: the replay data set shows other pictures than the champion learned from.
        """
        output = self._folder / CANDIDATE
        if not output.is_dir():
            taught = self._learn()
            self._report("Exporting", 0.8, {})
            identity = identity_of(self._order, self._prepared, slices_sha256)
            write_candidate(self._prepared.base, taught, identity, output, finish=self._refit)
        return self.judge(load_model_directory(output))

    def judge(self, candidate: ModelDirectory) -> Retrained:
        """Ask the gate about a candidate that was made of this training's pictures."""
        self._report("Judging", 0.95, {})
        prepared, rows = self._prepared, self._rows
        network = load_network(candidate.path, candidate.manifest)
        cases = self._seen(network, rows.cases)
        held = np.isin(rows.cases, rows.held_cases)
        before = evidence_of(prepared)
        seen = Seen(
            before.test_set._replace(embedding=self._seen(network, rows.test)),
            replace(prepared.screened.slices, embedding=cases),
            prepared.material.held_new._replace(embedding=cases[held]),
        )
        evidence: Evidence = replace(
            before, again=seen, refused=_refused(prepared.base, candidate, seen, before)
        )
        method = TrainingMethod.FULL_FINE_TUNING
        return judge_by(evidence, prepared.base, candidate, method, self._permitted, self._order.seed)

    def _learn(self) -> Taught:
        rows, prepared = self._rows, self._prepared
        network = load_network(prepared.base.path, prepared.base.manifest)
        learner = SplitNetwork(network, self._depth)
        kept = self._activations()
        self._require_same(predict(learner, kept, rows.test).embedding)
        tied = rows.held_replay if len(rows.held_replay) else rows.replay
        before = predict(learner, kept, tied).logits
        deadline = self._order.created_at + timedelta(minutes=self._params.minutes)

        def watch(epochs: float, best: float) -> bool:
            figures = {"epoch": float(epochs)} | ({"log_loss": best} if np.isfinite(best) else {})
            self._report("Fine-tuning", 0.3 + 0.5 * epochs / self._params.epochs, figures)
            return self._now() < deadline

        fitted = fit(
            learner,
            TrainingData(kept, self._dataset.labels.astype(np.int64), self._dataset.patients),
            rows.learned,
            rows.held if len(rows.held) else None,
            _training_params(self._params, self._dataset.labels[rows.learned]),
            self._order.seed,
            checkpoint=self._folder / _CHECKPOINT,
            title="",
            watch=watch,
        )
        network.to("cpu")
        round_weights(network)
        replayed, tested = (predict(learner, kept, part) for part in (rows.replay, rows.test))
        return Taught(
            network=network,
            replay=self._embedded(replayed.embedding),
            test_set=prepared.test_set._replace(embedding=tested.embedding),
            before=before,
            after=predict(learner, kept, tied).logits,
            how=f"Fine-tuning of {self._params.depth} and the head of version {prepared.base.manifest.version} from "
            f"images, {fitted.epochs} epochs: {len(rows.learned)} slices of replay and cases.",
            scores={"held_out_log_loss": fitted.scores},
        )

    def _activations(self) -> KeptActivations:
        """What the frozen part gives for every view; what an earlier attempt has run is not run again."""
        if self._kept is not None:
            return self._kept
        base = self._prepared.base
        prefix = SplitNetwork(load_network(base.path, base.manifest), self._depth).prefix()
        everything = np.arange(len(self._dataset.slices))
        groups = [ViewGroup(0, False, everything)]
        groups += [ViewGroup(number + 1, False, self._rows.learned) for number in range(self._params.views)]
        views, done = sum(len(group.rows) for group in groups), 0

        def watch() -> None:
            nonlocal done
            done += 1
            self._report(
                "Running the frozen part", 0.1 + 0.2 * min(done / views, 1.0), {"views": float(done)}
            )

        source = _WatchedViews(
            self._dataset, base.manifest.preprocess, Augmentation(), self._order.seed, watch
        )
        cache = self._folder / "activations"
        keep_activations(source, groups, prefix, cache, torch.device("cpu"))
        self._kept = open_activations(source, groups, prefix, cache)
        return self._kept

    def _require_same(self, embedding: Float32) -> None:
        kept = self._prepared.test_set.embedding
        length = np.maximum(np.linalg.norm(kept, axis=1), 1e-12)
        if (np.linalg.norm(embedding - kept, axis=1) / length).max() > _SAME:
            raise MethodUnavailableError(
                "The replay data set shows other pictures than those that the model in use was tested with."
            )

    def _embedded(self, embedding: Float32) -> Embedded:
        """The replay that the candidate carries: patients are counted as the champion's are."""
        dataset = self._replay.dataset
        patients = np.unique(dataset.patients, return_inverse=True)[1][self._replayed]
        return Embedded(embedding, dataset.labels[self._replayed].astype(np.int64), patients)

    def _seen(self, network: HybridNetwork, rows: Int64) -> Float32:
        """(rows, features) by a network that shares the champion's frozen part."""
        return predict(SplitNetwork(network, self._depth), self._activations(), rows).embedding

    def _refit(self, model: ModelDirectory) -> None:
        """Fit the suitability check to the new embeddings, with the champion's own settings."""
        limits = self._prepared.base.manifest.suitability.embedding
        if limits is None:
            return
        components = load_statistics(self._prepared.base.path, limits).axes.shape[1]
        recipe = Recipe(
            seed=self._order.seed, suitability_components=components, suitability_neighbour=limits.neighbour
        )
        refit_suitability(
            model,
            self._replay.dataset,
            recipe,
            self._params.suitability_slices,
            lambda step: self._report(step, 0.85, {}),
            is_test=self._replay.is_test,
        )


def _laid_out(prepared: Prepared, replay: ReplayImages, params: FineTuning, seed: int) -> tuple[Int64, _Rows]:
    """Which slices of the replay data set are shown, and where they, the test set and the cases lie."""
    dataset = replay.dataset
    patients = np.unique(dataset.patients, return_inverse=True)[1].astype(np.int64)
    labels = dataset.labels.astype(np.int64)
    may_learn = np.flatnonzero(~replay.is_test)
    replayed = may_learn[balanced(labels[may_learn], patients[may_learn], params.replay_slices, seed)]
    nothing = np.empty((len(replayed), 0), dtype=np.float32)
    held = hold_out(Embedded(nothing, labels[replayed], patients[replayed]), params.held_share, seed)
    slices, material = prepared.screened.slices, prepared.material
    first_patient = int(prepared.replay.patients.max()) + 1
    is_aside = np.isin(slices.patients + first_patient, np.unique(material.held_new.patients))
    tests, cases = int(replay.is_test.sum()), np.arange(len(slices))
    after_replay, after_test = len(replayed), len(replayed) + tests
    rows = np.arange(after_replay)
    return replayed, _Rows(
        replay=rows,
        test=after_replay + np.arange(tests),
        cases=after_test + cases,
        learned=np.concatenate([rows[~held], after_test + cases[~is_aside]]),
        held_replay=rows[held],
        held_cases=after_test + cases[is_aside & slices.new],
    )


def _training_params(params: FineTuning, labels: NDArray[np.bool_]) -> TrainingParams:
    return TrainingParams(
        frozen_depth=FrozenDepth(params.depth),
        positive_views=params.views,
        negative_views=params.views,
        positives_per_epoch=int(labels.sum()) or None,
        learning_rate=params.learning_rate,
        backbone_rate=params.backbone_rate,
        weight_decay=params.weight_decay,
        batch_size=params.batch_size,
        epochs=params.epochs,
        patience=params.patience,
        head_epochs=0,
        unfreeze_every=1,
        settled_head=True,
    )


def _refused(
    base: ModelDirectory, candidate: ModelDirectory, seen: Seen, before: Evidence
) -> tuple[float, float] | None:
    """Shares of the test set that champion and candidate call unsuitable by its embedding."""
    shares = []
    for model, test_set in ((base, before.test_set), (candidate, seen.test_set)):
        limits = model.manifest.suitability.embedding
        if limits is None:
            return None
        novelty = embedding_novelty(test_set.embedding, load_statistics(model.path, limits), limits)
        shares.append(float((novelty > 1).mean()))
    return shares[0], shares[1]
