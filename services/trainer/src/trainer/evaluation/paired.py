"""Whether two models differ: paired tests on the same patients, who are the unit.

For the ROC-AUC: DeLong's test for clustered data (Obuchowski, Biometrics 1997). It allows any likeness between the
slices of one patient; with one example for each patient it is DeLong's own test (Biometrics 1988). Every other
figure: the bootstrap of patients.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from ictus.model.base import Params
from trainer.calibrate import Judged
from trainer.evaluation.bootstrap import EvaluationError, interval, patient_weights, whole
from trainer.evaluation.metrics import Level, Statistic

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


class Difference(Params):
    """How much one model's figure is above another's, with its 95 % interval and two-sided p-value."""

    level: Level
    name: str
    value: float
    low: float
    high: float
    p: float


def delong(first: Float64, second: Float64, label: Bool, patient: NDArray[np.str_]) -> tuple[float, float]:
    """The difference of two ROC-AUCs on the same examples, and its standard error.

    Args:
        first: (n,) scores of one model.
        second: (n,) scores of the other.
        label: (n,) the truth.
        patient: (n,) whose example it is; examples of one patient may depend on each other.

    Raises:
        EvaluationError: the strokes, or the normals, are of one patient alone, or there are none.
    """
    strokes, normals = int(label.sum()), int((~label).sum())
    _, member = np.unique(patient, return_inverse=True)
    above, below, area = _placements(first, label)
    other_above, other_below, other_area = _placements(second, label)
    difference = area - other_area
    # For each patient: what its strokes and its normals add to the difference, beyond what was expected of them.
    by_stroke = np.bincount(member[label], above - other_above - difference, minlength=member.max() + 1)
    by_normal = np.bincount(member[~label], below - other_below - difference, minlength=member.max() + 1)
    with_stroke = len(np.unique(member[label]))
    with_normal = len(np.unique(member[~label]))
    if min(with_stroke, with_normal) < 2:
        raise EvaluationError("A paired test needs two patients with a stroke and two without one.")
    patients = member.max() + 1
    variance = (
        _inflated(with_stroke) * (by_stroke @ by_stroke) / strokes**2
        + _inflated(with_normal) * (by_normal @ by_normal) / normals**2
        + 2 * _inflated(patients) * (by_stroke @ by_normal) / (strokes * normals)
    )
    return difference, sqrt(max(float(variance), 0.0))


def auc_difference(level: Level, first: Judged, second: Judged) -> Difference:
    """The first model's ROC-AUC above the second's, tested by ``delong``.

    Raises:
        EvaluationError: the two judged different examples, or of too few patients.
    """
    _check_paired(first, second)
    value, error = delong(first.probability, second.probability, first.label, first.patient)
    reach = float(norm.ppf(0.975)) * error
    p = float(2 * norm.sf(abs(value) / error)) if error else float(value == 0)
    return Difference(level=level, name="roc_auc", value=value, low=value - reach, high=value + reach, p=p)


def bootstrap_difference(
    level: Level, name: str, statistic: Statistic, first: Judged, second: Judged, seed: int
) -> Difference:
    """The first model's figure above the second's, tested by resampling patients.

    The p-value is twice the smaller share of resamples on one side of zero, never below 2 / (resamples + 1).

    Args:
        level: what the predictions are of.
        name: of the figure.
        statistic: the figure.
        first: one model's predictions.
        second: the other's, of the same examples in the same order.
        seed: of the bootstrap.

    Raises:
        EvaluationError: the two judged different examples, or the figure is not defined on them.
    """
    _check_paired(first, second)
    once = whole(len(first.label))
    value = float((statistic(first, once) - statistic(second, once))[0])
    weights = patient_weights(first.patient, first.label, seed)
    resampled = statistic(first, weights) - statistic(second, weights)
    resampled = resampled[~np.isnan(resampled)]
    found = interval(value, resampled)
    if found.value is None or found.low is None or found.high is None:
        raise EvaluationError(f"{name} is not defined on these examples.")
    side = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    p = min(1.0, 2 * (side + 1) / (len(resampled) + 1))
    return Difference(level=level, name=name, value=value, low=found.low, high=found.high, p=p)


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted for having tested them all (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def _placements(score: Float64, label: Bool) -> tuple[Float64, Float64, float]:
    """Of each stroke the share of normals below it, of each normal the share of strokes above it, and the AUC."""
    ranks = rankdata(score)
    strokes, normals = int(label.sum()), int((~label).sum())
    above = (ranks[label] - rankdata(score[label])) / normals
    below = 1 - (ranks[~label] - rankdata(score[~label])) / strokes
    return above, below, float(above.mean())


def _inflated(count: int) -> float:
    """The small-sample factor n / (n - 1); the sums that it multiplies vanish when n is 1."""
    return count / max(count - 1, 1)


def _check_paired(first: Judged, second: Judged) -> None:
    if not (np.array_equal(first.patient, second.patient) and np.array_equal(first.label, second.label)):
        raise EvaluationError("A paired test needs both models' predictions of the same examples.")
