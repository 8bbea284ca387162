"""The figures of a model, each with a patient-level bootstrap interval."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ictus.model.manifest import Metric
from trainer.calibrate import Judged
from trainer.evaluation import weighted
from trainer.evaluation.bootstrap import Interval, interval, whole

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Level = Literal["slice", "study"]
LEVELS: Final[tuple[Level, ...]] = ("slice", "study")
Statistic = Callable[[Judged, Float64], Float64]
"""A figure of predictions under (samples, n) weights: (samples,), NaN where it is not defined."""

CALIBRATION_BINS: Final = 10


def to_metrics(level: Level, measured: Mapping[str, Interval]) -> tuple[Metric, ...]:
    """Figures as the manifest holds them, without those that are not defined."""
    return tuple(
        Metric(name=name, level=level, value=found.value, low=found.low, high=found.high)
        for name, found in measured.items()
        if found.value is not None
    )


def measure(judged: Judged, statistics: Mapping[str, Statistic], weights: Float64) -> dict[str, Interval]:
    """Named figures with their intervals over the resamples that ``weights`` describes."""
    once = whole(len(judged.label))
    return {
        name: interval(float(statistic(judged, once)[0]), statistic(judged, weights))
        for name, statistic in statistics.items()
    }


def expected_calibration_error(probability: Float64, label: Bool, bins: int = CALIBRATION_BINS) -> float:
    """Mean distance of the predicted from the observed share, over bins of equal size (Naeini 2015)."""
    return float(weighted.calibration_error(probability, label, whole(len(label)), bins)[0])


def called_stroke(j: Judged) -> Bool:
    """(n,) more probably stroke than not."""
    return j.probability >= 0.5


def confident(j: Judged) -> Bool:
    """(n,) whether one finding alone is left in the conformal set."""
    return (j.probability <= j.normal_at_most) | (j.probability >= j.stroke_at_least)


def not_ruled_out(j: Judged) -> Bool:
    """(n,) whether stroke is left in the conformal set: what a reader is shown."""
    return j.probability > j.normal_at_most


def _everything(j: Judged) -> Bool:
    return np.ones(len(j.label), dtype=np.bool_)


STATISTICS: Final[dict[str, Statistic]] = {
    "roc_auc": lambda j, w: weighted.roc_auc(j.probability, j.label, w),
    "pr_auc": lambda j, w: weighted.pr_auc(j.probability, j.label, w),
    "accuracy": lambda j, w: weighted.share(called_stroke(j) == j.label, _everything(j), w),
    "precision": lambda j, w: weighted.share(j.label, called_stroke(j), w),
    "sensitivity": lambda j, w: weighted.share(called_stroke(j), j.label, w),
    "specificity": lambda j, w: weighted.share(~called_stroke(j), ~j.label, w),
    "f1": lambda j, w: weighted.f1(called_stroke(j), j.label, w),
    "sensitivity_ruling_out": lambda j, w: weighted.share(not_ruled_out(j), j.label, w),
    "specificity_ruling_out": lambda j, w: weighted.share(~not_ruled_out(j), ~j.label, w),
    "confident_share": lambda j, w: weighted.share(confident(j), _everything(j), w),
    "confident_accuracy": lambda j, w: weighted.share(called_stroke(j) == j.label, confident(j), w),
    "brier": lambda j, w: weighted.brier(j.probability, j.label, w),
    "ece": lambda j, w: weighted.calibration_error(j.probability, j.label, w, CALIBRATION_BINS),
}
