"""A head alone, on embeddings that are at hand: for comparing heads, inputs and amounts of data in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from trainer.network import FusionHead, Stage
from trainer.recipe import Recipe
from trainer.training.activations import KeptActivations
from trainer.training.cross_validation import Prepared, median_epochs
from trainer.training.engine import TrainingData, fit
from trainer.training.params import TrainingParams
from trainer.training.sampling import kept_aside
from trainer.training.stages import EMBEDDING, Activations

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSet:
    """What a head learns from.

    Attributes:
        features: (n, views, features) float32 embeddings, [:, 0] of the slices as they are.
        labels: (n,) class indices.
        patients: (n,) patient of each slice.
    """

    features: Float32
    labels: NDArray[np.int64]
    patients: NDArray[np.str_]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "FeatureSet":
        """The chosen slices."""
        return FeatureSet(self.features[index], self.labels[index], self.patients[index])


def feature_set(prepared: Prepared) -> FeatureSet:
    """The embeddings of a training whose backbones are frozen, in single precision.

    Raises:
        ValueError: the recipe lets a stage of the backbones learn, so there is no one embedding.
    """
    kept = prepared.data.activations
    if EMBEDDING not in kept.arrays[0]:
        raise ValueError("frozen_depth must be all")
    of_all = np.flatnonzero((kept.places >= 0).all(axis=1) & ~kept.painted)
    features = np.stack([kept.arrays[group][EMBEDDING] for group in of_all], axis=1).astype(np.float32)
    return FeatureSet(features, prepared.data.labels, prepared.data.patients)


@dataclass(frozen=True)
class FittedHead:
    """A head, and after how many epochs it was best."""

    head: FusionHead
    epochs: int


class LoneHead:
    """A head without backbones: a ``Learner`` whose activations are the embedding."""

    stages: tuple[Stage, ...] = ()

    def __init__(self, head: FusionHead) -> None:
        self.head = head

    def embed(self, activations: Activations) -> Tensor:
        """See ``Learner``."""
        return activations[EMBEDDING]

    def unfreeze(self, count: int) -> None:
        """See ``Learner``; there is nothing to unfreeze."""

    def to(self, device: torch.device) -> None:
        """See ``Learner``."""
        self.head.to(device)

    def state(self) -> dict[str, Tensor]:
        """See ``Learner``."""
        return self.head.state_dict()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """See ``Learner``."""
        self.head.load_state_dict(state)


def new_head(recipe: Recipe, widths: tuple[int, int], classes: int, seed: int) -> FusionHead:
    """An untrained head with weights drawn from ``seed``."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return FusionHead(recipe.architecture, widths, classes)


def fit_head(
    head: FusionHead,
    train: FeatureSet,
    validation: FeatureSet | None,
    params: TrainingParams,
    seed: int,
) -> FittedHead:
    """Train a head, changed in place; see ``engine.fit``.

    Args:
        head: its initial weights belong to the caller's seed.
        train: what it learns from.
        validation: other patients; training stops when their score no longer improves. None trains
            ``params.epochs`` epochs.
        params: how it is trained; there are no stages to unfreeze.
        seed: of batches, views and dropout.
    """
    everything = train if validation is None else _joined(train, validation)
    count = len(train.labels)
    fitted = fit(
        LoneHead(head),
        _training_data(everything),
        np.arange(count),
        None if validation is None else np.arange(count, len(everything.labels)),
        params,
        seed,
        title="",
    )
    return FittedHead(head.eval(), fitted.epochs)


@torch.no_grad()
def predict(head: FusionHead, features: Float32) -> Float32:
    """(n, features) to (n, classes) logits, in evaluation mode."""
    logits: Float32 = head.eval()(torch.from_numpy(np.ascontiguousarray(features))).numpy()
    return logits


def cross_validate(
    data: FeatureSet, folds: NDArray[np.int64], recipe: Recipe, widths: tuple[int, int], classes: int
) -> tuple[Float32, int]:
    """Out-of-fold logits of heads: each slice is judged by a head that never saw its patient.

    Returns:
        (n, classes) logits, and the median of the folds' best epochs.
    """
    logits = np.empty((len(data.labels), classes), dtype=np.float32)
    epochs = []
    for fold in tqdm(range(int(folds.max()) + 1), desc="cross-validating", unit="fold"):
        held_out = folds == fold
        fit_rows, stop_rows = kept_aside(
            np.flatnonzero(~held_out), data.labels, data.patients, recipe.seed + fold
        )
        head = new_head(recipe, widths, classes, recipe.seed + fold)
        fitted = fit_head(
            head, data.take(fit_rows), data.take(stop_rows), recipe.training, recipe.seed + fold
        )
        logits[held_out] = predict(fitted.head, data.features[held_out, 0])
        epochs.append(fitted.epochs)
    return logits, median_epochs(epochs)


def _joined(first: FeatureSet, second: FeatureSet) -> FeatureSet:
    return FeatureSet(
        np.concatenate([first.features, second.features]),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.patients, second.patients]),
    )


def _training_data(data: FeatureSet) -> TrainingData:
    count, views = data.features.shape[:2]
    arrays = tuple({EMBEDDING: data.features[:, view]} for view in range(views))
    places = np.tile(np.arange(count), (views, 1))
    kept = KeptActivations(arrays, places, np.zeros(views, dtype=np.bool_))
    return TrainingData(kept, data.labels, data.patients)
