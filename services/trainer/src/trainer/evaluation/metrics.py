"""Figures with patient-level bootstrap intervals."""

from collections.abc import Callable
from dataclasses import fields
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from tqdm import tqdm

from ictus.model.manifest import INPUT_PIXELS, OUTPUT_LOGITS, Metric, ModelDirectory
from ictus.model.preprocess import prepare
from trainer.calibrate import Fitted, HeldOut, Judged, judge
from trainer.data import Dataset, read_picture
from trainer.features import open_session

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

RESAMPLES: Final = 1000


def evaluate(level: Literal["slice", "study"], judged: Judged, seed: int) -> tuple[Metric, ...]:
    """Every figure at one level.

    ``accuracy``, ``sensitivity`` and ``specificity`` are at even odds. Those named ``..._ruling_out`` count
    everything that is not confidently normal as positive: what a reader is shown. ``confident_share`` is what
    gets a confident answer, ``confident_accuracy`` how often that is right.

    Args:
        level: what the predictions are of.
        judged: held-out predictions.
        seed: of the bootstrap, which resamples patients ``RESAMPLES`` times for the 95 % intervals.
    """
    samples = _resampled(judged.patient, judged.label, seed)
    metrics = []
    for name, statistic in _STATISTICS.items():
        values = np.array([statistic(_rows(judged, sample)) for sample in samples])
        low, high = np.nanpercentile(values, [2.5, 97.5])
        metrics.append(
            Metric(name=name, level=level, value=statistic(judged), low=float(low), high=float(high))
        )
    return tuple(metrics)


def evaluate_directory(model: ModelDirectory, dataset: Dataset, seed: int) -> tuple[Metric, ...]:
    """Every figure of a finished model on a data set, at both levels, by its own graph, calibration and limits."""
    manifest = model.manifest
    session = open_session(model.graph, threads=0)
    logits = [
        session.run(
            [OUTPUT_LOGITS], {INPUT_PIXELS: prepare(read_picture(s.path), manifest.preprocess).pixels}
        )[0]
        for s in tqdm(dataset.slices, desc="classifying", unit="slice")
    ]
    held_out = HeldOut(np.concatenate(logits), dataset.labels, dataset.patients)
    fitted = Fitted(manifest.calibration, manifest.decision)
    slices, studies = judge(held_out, fitted, manifest.aggregation)
    return evaluate("slice", slices, seed) + evaluate("study", studies, seed)


def expected_calibration_error(probability: Float64, label: Bool, bins: int = 10) -> float:
    """Mean distance of the predicted from the observed share, over bins of equal size (Naeini 2015)."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(probability[part].mean() - label[part].mean()) for part in parts]
    return float(sum(gaps) / len(probability))


def _confident(j: Judged) -> Bool:
    return (j.probability <= j.normal_at_most) | (j.probability >= j.stroke_at_least)


def _confident_accuracy(j: Judged) -> float:
    chosen = _confident(j)
    return float(((j.probability >= 0.5) == j.label)[chosen].mean()) if chosen.any() else float("nan")


_STATISTICS: Final[dict[str, Callable[[Judged], float]]] = {
    "roc_auc": lambda j: float(roc_auc_score(j.label, j.probability)),
    "pr_auc": lambda j: float(average_precision_score(j.label, j.probability)),
    "accuracy": lambda j: float(((j.probability >= 0.5) == j.label).mean()),
    "sensitivity": lambda j: float((j.probability >= 0.5)[j.label].mean()),
    "specificity": lambda j: float((j.probability < 0.5)[~j.label].mean()),
    "sensitivity_ruling_out": lambda j: float((j.probability > j.normal_at_most)[j.label].mean()),
    "specificity_ruling_out": lambda j: float((j.probability <= j.normal_at_most)[~j.label].mean()),
    "confident_share": lambda j: float(_confident(j).mean()),
    "confident_accuracy": _confident_accuracy,
    "brier": lambda j: float(brier_score_loss(j.label, j.probability)),
    "ece": lambda j: expected_calibration_error(j.probability, j.label),
}


def _rows(judged: Judged, index: NDArray[np.int64]) -> Judged:
    return Judged(*(getattr(judged, field.name)[index] for field in fields(Judged)))


def _resampled(patient: NDArray[np.str_], label: Bool, seed: int) -> list[NDArray[np.int64]]:
    """Row indices of bootstrap samples of patients; samples with one class only are drawn again."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(patient == name) for name in np.unique(patient)]
    samples: list[NDArray[np.int64]] = []
    while len(samples) < RESAMPLES:
        chosen = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if label[chosen].any() and not label[chosen].all():
            samples.append(chosen)
    return samples
