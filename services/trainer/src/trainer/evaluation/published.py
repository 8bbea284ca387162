"""The figures that a model's manifest and card publish."""

from typing import Final

from ictus.model.manifest import Metric
from trainer.calibrate import Judged
from trainer.evaluation.bootstrap import patient_weights
from trainer.evaluation.metrics import STATISTICS, Level, measure, to_metrics
from trainer.evaluation.operating import operating_points

_PUBLISHED_TARGETS: Final = (0.90, 0.95)
_IN_SERIES: Final = {"roc_auc", "pr_auc", "accuracy", "sensitivity", "specificity", "brier", "ece"}
"""What is also said of slices in the light of their series; limits are of slices by themselves."""


def evaluate(level: Level, judged: Judged, seed: int) -> tuple[Metric, ...]:
    """Every figure at one level; one that is not defined on these predictions is left out.

    ``accuracy``, ``precision``, ``sensitivity``, ``specificity`` and ``f1`` are at even odds. Those named
    ``..._ruling_out`` count everything that is not confidently normal as positive: what a reader is shown.
    ``confident_share`` is what gets a confident answer, ``confident_accuracy`` how often that is right.
    ``sensitivity_at_target_95`` is what a threshold for 95 % sensitivity, found on the other patients, reaches, and
    ``specificity_at_target_95`` what it costs.

    Args:
        level: what the predictions are of.
        judged: held-out predictions.
        seed: of the bootstrap.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    weights = patient_weights(judged.patient, judged.label, seed)
    found = measure(judged, STATISTICS, weights)
    for point in operating_points(judged, weights, _PUBLISHED_TARGETS):
        percent = round(100 * point.target_sensitivity)
        found[f"sensitivity_at_target_{percent}"] = point.sensitivity
        found[f"specificity_at_target_{percent}"] = point.specificity
    return to_metrics(level, found)


def evaluate_in_series(judged: Judged, seed: int) -> tuple[Metric, ...]:
    """Figures of slices in the light of their series, named ``..._in_series``.

    Args:
        judged: held-out slices, judged again by their neighbours and their series.
        seed: of the bootstrap.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    return tuple(
        metric.model_copy(update={"name": f"{metric.name}_in_series"})
        for metric in evaluate("slice", judged, seed)
        if metric.name in _IN_SERIES
    )
