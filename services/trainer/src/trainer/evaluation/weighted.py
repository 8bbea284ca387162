"""Figures of weighted examples, for many weightings at once.

Every function takes ``weights`` (samples, n), how often each example counts in each sample, and gives (samples,).
With whole numbers as weights the results are those of the repeated examples, ties included.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


def share(inside: Bool, among: Bool, weights: Float64) -> Float64:
    """The share of ``among`` that is also ``inside``; NaN in a sample that has none of ``among``."""
    return _ratio(weights @ (inside & among), weights @ among)


def f1(positive: Bool, label: Bool, weights: Float64) -> Float64:
    """Harmonic mean of precision and sensitivity; NaN where nothing is positive or called so."""
    return _ratio(2 * (weights @ (positive & label)), weights @ positive + weights @ label)


def brier(probability: Float64, label: Bool, weights: Float64) -> Float64:
    """Mean squared distance of the probability from the truth."""
    return _ratio(weights @ (probability - label) ** 2, weights.sum(axis=1))


def roc_auc(probability: Float64, label: Bool, weights: Float64) -> Float64:
    """Share of pairs of a stroke and a normal in which the stroke has the higher probability; a tie counts half."""
    ranked = _rank(probability, label, weights)
    below = np.cumsum(ranked.negative, axis=1) - ranked.negative / 2
    pairs = ranked.positive.sum(axis=1) * ranked.negative.sum(axis=1)
    return _ratio((ranked.positive * below).sum(axis=1), pairs)


def pr_auc(probability: Float64, label: Bool, weights: Float64) -> Float64:
    """Average precision: precision at each threshold, weighted by the sensitivity it adds."""
    ranked = _rank(probability, label, weights)
    positive, negative = ranked.positive[:, ::-1], ranked.negative[:, ::-1]
    caught = np.cumsum(positive, axis=1)
    called = caught + np.cumsum(negative, axis=1)
    precision = np.divide(caught, called, out=np.zeros_like(caught), where=called > 0)
    return _ratio((precision * positive).sum(axis=1), positive.sum(axis=1))


def calibration_error(probability: Float64, label: Bool, weights: Float64, bins: int) -> Float64:
    """Mean distance of the predicted from the observed share, over bins of equal weight (Naeini 2015).

    Examples of one probability stand together: a bin's edge that falls among them divides them evenly.
    """
    ranked = _rank(probability, label, weights)
    weight = ranked.positive + ranked.negative
    edge = np.linspace(0, 1, bins + 1)
    gaps = np.empty(len(weights))
    for sample, (w, positive) in enumerate(zip(weight, ranked.positive, strict=True)):
        reached = np.concatenate([[0], np.cumsum(w)]) / w.sum()
        excess = np.concatenate([[0], np.cumsum(w * ranked.probability - positive)]) / w.sum()
        gaps[sample] = np.abs(np.diff(np.interp(edge, reached, excess))).sum()
    return gaps


def roc_curve(probability: Float64, label: Bool, weights: Float64) -> tuple[Float64, Float64]:
    """False and true positive rate at each threshold, from none called to all: both (samples, thresholds)."""
    ranked = _rank(probability, label, weights)
    return _reached(ranked.negative), _reached(ranked.positive)


def precision_recall_curve(probability: Float64, label: Bool, weights: Float64) -> tuple[Float64, Float64]:
    """Recall and precision at each threshold, from the highest down: both (samples, thresholds)."""
    ranked = _rank(probability, label, weights)
    caught = np.cumsum(ranked.positive[:, ::-1], axis=1)
    called = caught + np.cumsum(ranked.negative[:, ::-1], axis=1)
    precision = np.divide(caught, called, out=np.ones_like(caught), where=called > 0)
    return caught / caught[:, -1:], precision


def _reached(by_threshold: Float64) -> Float64:
    """Share called at each threshold, from none to all."""
    called = np.cumsum(by_threshold[:, ::-1], axis=1)
    shares: Float64 = np.concatenate([np.zeros((len(called), 1)), called / called[:, -1:]], axis=1)
    return shares


@dataclass(frozen=True)
class _Ranked:
    """Examples of equal probability as one, by rising probability.

    Attributes:
        probability: (g,) rising.
        positive: (samples, g) weight of the strokes.
        negative: (samples, g) weight of the normals.
    """

    probability: Float64
    positive: Float64
    negative: Float64


def _rank(probability: Float64, label: Bool, weights: Float64) -> _Ranked:
    order = np.argsort(probability, kind="stable")
    values, starts = np.unique(probability[order], return_index=True)
    ordered, truth = weights[:, order], label[order]
    return _Ranked(
        values,
        np.add.reduceat(ordered * truth, starts, axis=1),
        np.add.reduceat(ordered * ~truth, starts, axis=1),
    )


def _ratio(part: Float64, of: Float64) -> Float64:
    found: Float64 = np.divide(part, of, out=np.full(len(of), np.nan), where=of > 0)
    return found
