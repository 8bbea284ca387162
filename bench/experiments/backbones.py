"""Why two backbones are hardly better than one: how alike what they see is, and how alike they err."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from bench.experiments.features import products
from bench.experiments.heads import Problem, Said, logistic
from ictus.model.calibration import log_odds
from trainer.calibrate import Judged

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

RESNET: Final = "ResNet alone"
MOBILENET: Final = "MobileNet alone"
BOTH: Final = "both, side by side (the starter)"
EVEN: Final = "both, each weighing the same"
FINER: Final = "MobileNet alone, every block pooled"
BOTH_FINER: Final = "ResNet and every block of MobileNet"
_RIDGE: Final = 0.1


def similarity(first: Float32, second: Float32) -> float:
    """Linear CKA of (n, features) each, 0..1 (Kornblith et al., ICML 2019)."""
    a, b = _centred(first), _centred(second)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def within_patients(features: Float32, patients: NDArray[np.str_]) -> Float32:
    """Each patient's mean taken out: what tells the slices of one patient apart."""
    left = features.copy()
    for patient in np.unique(patients):
        members = patients == patient
        left[members] -= left[members].mean(axis=0)
    return left


def predicted_share(given: Float32, asked: Float32, folds: NDArray[np.int64]) -> float:
    """R² of one backbone's features by ridge regression on the other's, on patients that it was not fitted on."""
    left = total = 0.0
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        x, y = _standard(given, ~held_out), _standard(asked, ~held_out)
        inner = x[~held_out] @ x[~held_out].T
        ridge = _RIDGE * x.shape[1] * np.eye(len(inner), dtype=np.float32)
        weights = cho_solve(cho_factor(inner + ridge), y[~held_out])
        found = x[held_out] @ (x[~held_out].T @ weights)
        left += float(((y[held_out] - found) ** 2).sum())
        total += float((y[held_out] ** 2).sum())
    return 1 - left / total


def heads(problem: Problem, features: Mapping[str, Float32]) -> dict[str, Said]:
    """Heads on one backbone, on both, and with the MobileNet's finer maps.

    Args:
        problem: one outer fold; it learns from slices as they are.
        features: (n, features) of ``RESNET``, ``MOBILENET`` and ``FINER``.
    """
    own = {name: products(values[problem.learned], values) for name, values in features.items()}
    half = (own[RESNET].width + own[MOBILENET].width) / 2
    grams = {
        BOTH: own[RESNET] + own[MOBILENET],
        **own,
        EVEN: own[RESNET].scaled(half / own[RESNET].width)
        + own[MOBILENET].scaled(half / own[MOBILENET].width),
        BOTH_FINER: own[RESNET] + own[FINER],
    }
    return {name: logistic(problem, found) for name, found in grams.items()}


def likeness(
    features: Mapping[str, Float32],
    judged: Mapping[str, Judged],
    patients: NDArray[np.str_],
    folds: NDArray[np.int64],
) -> list[str]:
    """Lines of figures on how alike two backbones see and err.

    Args:
        features: (n, features) of ``RESNET``, ``MOBILENET`` and ``FINER``.
        judged: held-out slices by each head, all in one order.
        patients: (n,) of the features' slices.
        folds: (n,) likewise.
    """
    resnet, lines = features[RESNET], []
    for name in (MOBILENET, FINER):
        other = features[name]
        within = similarity(*(_standard(within_patients(f, patients)) for f in (resnet, other)))
        lines.append(
            f"- {name} and ResNet: CKA {similarity(_standard(resnet), _standard(other)):.2f}, within patients "
            f"{within:.2f}; of its features ResNet's predict {predicted_share(resnet, other, folds):.2f} of the "
            f"variance on other patients, and the other way round {predicted_share(other, resnet, folds):.2f}"
        )
        first, second = (log_odds(judged[head].probability) for head in (RESNET, name))
        correlation, common = agreement(first, second, judged[RESNET].label)
        lines.append(
            f"- {name} and ResNet: held-out log-odds correlate by {correlation:.2f} within the classes; of the slices "
            f"that either gets wrong at 90 % sensitivity, both get {common:.0%} wrong"
        )
    return lines


def agreement(first: Float64, second: Float64, labels: Bool) -> tuple[float, float]:
    """Of two heads' held-out log-odds: their correlation within the classes, and the share of errors in common.

    Errors are counted at the limit where each head finds 90 % of the strokes; the share is of all slices that either
    gets wrong.
    """
    left = [odds - np.where(labels, odds[labels].mean(), odds[~labels].mean()) for odds in (first, second)]
    wrong = [(odds >= np.quantile(odds[labels], 0.1)) != labels for odds in (first, second)]
    common = float((wrong[0] & wrong[1]).sum() / (wrong[0] | wrong[1]).sum())
    return float(np.corrcoef(*left)[0, 1]), common


def _standard(features: Float32, learned: Bool | slice = slice(None)) -> Float32:
    mean, deviation = features[learned].mean(axis=0), np.sqrt(features[learned].var(axis=0) + 1e-5)
    standard: Float32 = (features - mean) / deviation
    return standard


def _centred(features: Float32) -> Float64:
    inner = (features @ features.T).astype(np.float64)
    mean = inner.mean(axis=0)
    return inner - mean - mean[:, None] + mean.mean()
