"""Fit the head on frozen backbones, and cross-validate it by patient."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor, nn
from tqdm import tqdm

from trainer.network import FusionHead
from trainer.recipe import HeadTraining, Recipe

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSet:
    """What a head learns from.

    Attributes:
        features: (n, 2, features) float32 embeddings, [:, 0] of the slices as they are, [:, 1] mirrored.
        labels: (n,) class indices.
        patients: (n,) patient of each slice.
    """

    features: Float32
    labels: NDArray[np.int64]
    patients: NDArray[np.str_]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "FeatureSet":
        """The chosen slices."""
        return FeatureSet(self.features[index], self.labels[index], self.patients[index])


@dataclass(frozen=True)
class FittedHead:
    """A head, and after how many epochs it was best."""

    head: FusionHead
    epochs: int


def fit_head(
    head: FusionHead,
    train: FeatureSet,
    validation: FeatureSet | None,
    settings: HeadTraining,
    seed: int,
) -> FittedHead:
    """Train a head.

    Args:
        head: changed in place; its initial weights belong to the caller's seed.
        train: what it learns from.
        validation: other patients; training stops when their loss no longer falls. None trains
            ``settings.epochs`` epochs.
        settings: optimiser and stopping.
        seed: of batches and dropout.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from the global generator
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    loss = nn.CrossEntropyLoss(
        weight=_class_weights(train.labels) if settings.class_weighting else None,
        label_smoothing=settings.label_smoothing,
    )
    best_loss, best_epoch, best_state = float("inf"), 0, deepcopy(head.state_dict())
    for epoch in range(1, settings.epochs + 1):
        head.train()
        for features, labels in _batches(train, settings, generator):
            optimiser.zero_grad()
            loss(head(features), labels).backward()
            optimiser.step()
        if validation is None:
            best_epoch = epoch
            continue
        with torch.no_grad():
            held_out = float(
                loss(torch.from_numpy(predict(head, validation.features[:, 0])), _tensor(validation.labels))
            )
        if held_out < best_loss:
            best_loss, best_epoch, best_state = held_out, epoch, deepcopy(head.state_dict())
        elif epoch - best_epoch >= settings.patience:
            break
    if validation is not None:
        head.load_state_dict(best_state)
    return FittedHead(head.eval(), best_epoch)


def predict(head: FusionHead, features: Float32) -> Float32:
    """(n, features) to (n, classes) logits, in evaluation mode."""
    head.eval()
    with torch.no_grad():
        logits: Float32 = head(torch.from_numpy(np.ascontiguousarray(features))).numpy()
    return logits


def new_head(recipe: Recipe, widths: tuple[int, int], classes: int, seed: int) -> FusionHead:
    """An untrained head with weights drawn from ``seed``."""
    torch.manual_seed(seed)
    return FusionHead(recipe.architecture, widths, classes)


def cross_validate(
    data: FeatureSet, folds: NDArray[np.int64], recipe: Recipe, widths: tuple[int, int], classes: int
) -> tuple[Float32, int]:
    """Out-of-fold logits: each slice is judged by a head that never saw its patient.

    Within each fold a fifth of the remaining patients decides when training stops.

    Returns:
        (n, classes) logits, and the median of the folds' best epochs, for the fit on all patients.
    """
    logits = np.empty((len(data.labels), classes), dtype=np.float32)
    epochs = []
    for fold in tqdm(range(int(folds.max()) + 1), desc="cross-validating", unit="fold"):
        held_out = folds == fold
        rest = data.take(~held_out)
        inner = StratifiedGroupKFold(n_splits=5, shuffle=True, random_state=recipe.seed + fold)
        fit, stop = next(inner.split(rest.features[:, 0, :1], rest.labels, rest.patients))
        head = new_head(recipe, widths, classes, recipe.seed + fold)
        fitted = fit_head(head, rest.take(fit), rest.take(stop), recipe.head, recipe.seed + fold)
        logits[held_out] = predict(fitted.head, data.features[held_out, 0])
        epochs.append(fitted.epochs)
    return logits, int(np.median(epochs))


def _batches(
    data: FeatureSet, settings: HeadTraining, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled batches; each slice appears once, as it is or mirrored by a fair coin."""
    count = len(data.labels)
    order = torch.randperm(count, generator=generator)
    views = torch.randint(0, 2 if settings.mirror else 1, (count,), generator=generator)
    features, labels = torch.from_numpy(data.features), _tensor(data.labels)
    for chosen in torch.split(order, settings.batch_size):
        if len(chosen) > 1:  # batch norm needs two
            yield features[chosen, views[chosen]], labels[chosen]


def _class_weights(labels: NDArray[np.int64]) -> Tensor:
    counts = np.bincount(labels)
    return torch.tensor(len(labels) / (len(counts) * counts), dtype=torch.float32)


def _tensor(labels: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(labels))
