"""The learning curve: what more patients would bring."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from trainer.evaluation import weighted
from trainer.evaluation.bootstrap import interval, patient_weights, whole
from trainer.evaluation.comparison import LearningPoint
from trainer.recipe import Recipe
from trainer.training.head import FeatureSet, cross_validate, fit_head, new_head, predict

Float64 = NDArray[np.float64]

SHARES: Final = (0.1, 0.2, 0.4, 0.7, 1.0)
_CLASSES: Final = 2


def learning_curve(
    data: FeatureSet,
    folds: NDArray[np.int64],
    recipe: Recipe,
    widths: tuple[int, int],
    shares: Sequence[float] = SHARES,
) -> tuple[LearningPoint, ...]:
    """Fit heads on growing shares of patients; all take as many optimiser steps.

    Args:
        data: embeddings.
        folds: (n,) in which each slice is held out.
        recipe: of the head.
        widths: features of the ResNet and of the MobileNet.
        shares: of the other folds' patients, 0..1, drawn evenly from those with and without a stroke.
    """
    label = data.labels == 1
    weights = patient_weights(data.patients, label, recipe.seed)
    _, epochs = cross_validate(data, folds, recipe, widths, _CLASSES)  # so many suffice for all patients
    points = []
    for share in tqdm(shares, desc="learning curve", unit="share"):
        odds = np.empty(len(label))
        training, counts = [], []
        for fold in range(int(folds.max()) + 1):
            held_out = folds == fold
            chosen = _some_patients(data, ~held_out, share, recipe.seed + fold)
            part = data.take(chosen)
            settings = recipe.training.model_copy(update={"epochs": max(1, round(epochs / share))})
            head = new_head(recipe, widths, _CLASSES, recipe.seed + fold)
            fitted = fit_head(head, part, None, settings, recipe.seed + fold).head
            odds[held_out] = _odds(predict(fitted, data.features[held_out, 0]))
            own = _odds(predict(fitted, part.features[:, 0]))
            training.append(_roc_auc(own, part.labels == 1))
            counts.append(len(np.unique(part.patients)))
        points.append(
            LearningPoint(
                patients=float(np.mean(counts)),
                training=float(np.mean(training)),
                held_out=interval(_roc_auc(odds, label), weighted.roc_auc(odds, label, weights)),
            )
        )
    return tuple(points)


def _some_patients(data: FeatureSet, among: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.bool_]:
    """The slices of a share of the patients, at least one with a stroke and one without."""
    with_stroke = np.unique(data.patients[among & (data.labels == 1)])
    without = np.setdiff1d(np.unique(data.patients[among]), with_stroke)
    rng = np.random.default_rng(seed)
    kept = [rng.permutation(group)[: max(1, round(share * len(group)))] for group in (with_stroke, without)]
    return among & np.isin(data.patients, np.concatenate(kept))


def _odds(logits: NDArray[np.float32]) -> Float64:
    both = logits.astype(np.float64)
    odds: Float64 = both[:, 1] - both[:, 0]
    return odds


def _roc_auc(odds: Float64, label: NDArray[np.bool_]) -> float:
    return float(weighted.roc_auc(odds, label, whole(len(label)))[0])
