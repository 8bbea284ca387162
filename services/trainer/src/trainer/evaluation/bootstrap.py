"""Resamples of patients, and the intervals they give.

Slices of one patient are alike, so patients are drawn, not slices (the cluster bootstrap; Field and Welsh, JRSS B
2007). A resample is kept as weights, how often each row was drawn: a figure of a thousand resamples is then one
matrix product.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ictus.model.base import Params
from trainer.errors import TrainerError

Float64 = NDArray[np.float64]

RESAMPLES: Final = 1000


class EvaluationError(TrainerError):
    """These examples cannot be evaluated."""


class Interval(Params):
    """A figure with its 95 % interval; None where it is not defined, as a precision when nothing is called."""

    value: float | None
    low: float | None
    high: float | None


def patient_weights(
    patient: NDArray[np.str_], label: NDArray[np.bool_], seed: int, resamples: int = RESAMPLES
) -> Float64:
    """How often each row is drawn in each bootstrap sample of patients: (resamples, n).

    A sample with one class only is drawn again.

    Args:
        patient: (n,) of each row.
        label: (n,) the truth.
        seed: of the draws.
        resamples: how many.

    Raises:
        EvaluationError: the rows hold one class only.
    """
    if label.all() or not label.any():
        raise EvaluationError("Figures need examples with a stroke and examples without one.")
    rng = np.random.default_rng(seed)
    names, member = np.unique(patient, return_inverse=True)
    share = np.full(len(names), 1 / len(names))
    kept: list[Float64] = []
    missing = resamples
    while missing:
        drawn = rng.multinomial(len(names), share, size=missing).astype(np.float64)[:, member]
        complete = drawn[(drawn @ label > 0) & (drawn @ ~label > 0)]
        kept.append(complete)
        missing -= len(complete)
    return np.concatenate(kept)


def whole(rows: int) -> Float64:
    """The weights of the sample itself: (1, rows), every row once."""
    return np.ones((1, rows))


def interval(value: float, resampled: Float64) -> Interval:
    """The percentile interval of a figure; resamples in which it is not defined are left out."""
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(defined):
        return Interval(value=None if np.isnan(value) else value, low=None, high=None)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))
