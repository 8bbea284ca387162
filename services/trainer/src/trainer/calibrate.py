"""Fit calibration and decision limits on out-of-fold logits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from ictus.model.aggregation import (
    Aggregation,
    SliceContext,
    aggregate,
    context_features,
    top_k_mean,
)
from ictus.model.calibration import Calibration, log_odds, slice_probabilities, study_probability
from ictus.model.conformal import ConformalQuantiles, fit_quantiles
from ictus.model.manifest import Decision
from trainer.recipe import Recipe

Float64 = NDArray[np.float64]

_FLATTEST: Final = 1e-3
"""Slope of a study score that says nothing: it keeps the order, and the probability is the rate."""


@dataclass(frozen=True)
class HeldOut:
    """Slices judged by models that never saw their patients.

    Attributes:
        logits: (n, 2), normal and stroke.
        labels: (n,) whether the slice shows a stroke.
        patients: (n,).
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.bool_]
    patients: NDArray[np.str_]

    def take(self, index: NDArray[np.bool_]) -> "HeldOut":
        """The chosen slices."""
        return HeldOut(self.logits[index], self.labels[index], self.patients[index])


@dataclass(frozen=True)
class Judged:
    """Held-out predictions at one level, slices or studies, with what they are held against.

    Attributes:
        probability: (n,) of stroke, calibrated.
        label: (n,) the truth; a study's is whether any of its slices shows a stroke.
        patient: (n,).
        normal_at_most: (n,) the limit that holds for each, see ``ConformalQuantiles``.
        stroke_at_least: (n,) likewise.
    """

    probability: Float64
    label: NDArray[np.bool_]
    patient: NDArray[np.str_]
    normal_at_most: Float64
    stroke_at_least: Float64


@dataclass(frozen=True)
class ErrorRates:
    """What the conformal limits promise: the share of each finding that its set may miss, 0..1."""

    stroke: float
    normal: float


@dataclass(frozen=True)
class Fitted:
    """What turns logits into a disposition; ``context`` judges slices again in the light of their series."""

    calibration: Calibration
    decision: Decision
    context: SliceContext | None = None


def fit(held_out: HeldOut, recipe: Recipe) -> Fitted:
    """Temperature on the slices, then Platt scaling on the study scores, then the conformal limits."""
    slices = _fit_slices(held_out)
    scores, truth, _ = _studies(held_out, slices, recipe.aggregation)
    slope, intercept = _fit_studies(scores, truth)
    calibration = slices.model_copy(update={"study_slope": slope, "study_intercept": intercept})
    errors = (recipe.stroke_error_rate, recipe.normal_error_rate)
    calibrated, truth, _ = _studies(held_out, calibration, recipe.aggregation)
    stroke = slice_probabilities(held_out.logits, calibration)[:, 1]
    return Fitted(
        calibration,
        Decision(
            study=fit_quantiles(calibrated, truth, *errors),
            slice=fit_quantiles(stroke, held_out.labels, *errors),
        ),
        _fit_context(held_out, calibration, recipe.aggregation) if recipe.slice_context else None,
    )


def judge(held_out: HeldOut, fitted: Fitted, aggregation: Aggregation) -> tuple[Judged, Judged]:
    """Apply what was fitted: (slices, studies)."""
    stroke = slice_probabilities(held_out.logits, fitted.calibration)[:, 1]
    studies = _studies(held_out, fitted.calibration, aggregation)
    return (
        _against(fitted.decision.slice, stroke, held_out.labels, held_out.patients),
        _against(fitted.decision.study, *studies),
    )


def judge_across_folds(held_out: HeldOut, folds: NDArray[np.int64], recipe: Recipe) -> tuple[Judged, Judged]:
    """Judge each fold by what was fitted on the other folds, for honest figures: (slices, studies)."""
    parts = [
        judge(held_out.take(folds == fold), fit(held_out.take(folds != fold), recipe), recipe.aggregation)
        for fold in range(int(folds.max()) + 1)
    ]
    slices, studies = zip(*parts, strict=True)
    return joined(slices), joined(studies)


def judge_in_series(held_out: HeldOut, fitted: Fitted, aggregation: Aggregation) -> Judged:
    """Slices in the light of their series, as serving shows them; a patient's rows are its series, in order.

    They are held against the limits of slices.
    """
    stroke = slice_probabilities(held_out.logits, fitted.calibration)[:, 1]
    in_context = aggregation.model_copy(update={"context": fitted.context})
    for patient in np.unique(held_out.patients):
        members = held_out.patients == patient
        series = stroke[members]
        usable = np.ones(len(series), dtype=np.bool_)
        score = aggregate(series, usable, in_context, fitted.calibration)
        stroke[members] = score.slice_probabilities
    return _against(fitted.decision.slice, stroke, held_out.labels, held_out.patients)


def judge_in_series_across_folds(held_out: HeldOut, folds: NDArray[np.int64], recipe: Recipe) -> Judged:
    """As ``judge_in_series``, each fold by what was fitted on the other folds."""
    return joined(
        [
            judge_in_series(
                held_out.take(folds == fold), fit(held_out.take(folds != fold), recipe), recipe.aggregation
            )
            for fold in range(int(folds.max()) + 1)
        ]
    )


def _studies(
    held_out: HeldOut, calibration: Calibration, aggregation: Aggregation
) -> tuple[Float64, NDArray[np.bool_], NDArray[np.str_]]:
    """Each patient's probability, truth and name."""
    stroke = slice_probabilities(held_out.logits, calibration)[:, 1]
    patients = np.unique(held_out.patients)
    members = [held_out.patients == patient for patient in patients]
    scores = [study_probability(top_k_mean(stroke[m], aggregation.k), calibration) for m in members]
    return np.array(scores), np.array([held_out.labels[m].any() for m in members]), patients


def _against(
    limits: ConformalQuantiles, probability: Float64, label: NDArray[np.bool_], patient: NDArray[np.str_]
) -> Judged:
    count = len(probability)
    return Judged(
        probability,
        label,
        patient,
        np.full(count, limits.normal_at_most),
        np.full(count, limits.stroke_at_least),
    )


def joined(parts: Sequence[Judged]) -> Judged:
    """What was judged part by part, one after the other."""
    return Judged(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Judged))
    )


def _fit_studies(scores: Float64, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Platt scaling: slope and intercept on the score's log-odds; a score that misleads is flattened."""
    platt = LogisticRegression(C=np.inf).fit(log_odds(scores)[:, np.newaxis], truth)
    slope = float(platt.coef_[0, 0])
    if slope >= _FLATTEST:
        return slope, float(platt.intercept_[0])
    return _FLATTEST, float(log_odds(truth.mean()))


def _fit_slices(held_out: HeldOut) -> Calibration:
    """The temperature and bias with the least log loss."""
    truth = held_out.labels.astype(np.int64)
    rows = np.arange(len(truth))

    def calibration(parameters: Float64) -> Calibration:
        log_temperature, bias = parameters
        return Calibration(temperature=float(np.exp(log_temperature)), bias=(0.0, float(bias)))

    def log_loss(parameters: Float64) -> float:
        probabilities = slice_probabilities(held_out.logits, calibration(parameters))
        return float(-np.log(np.clip(probabilities[rows, truth], 1e-12, None)).mean())

    return calibration(minimize(log_loss, np.zeros(2), method="Nelder-Mead").x)


def _fit_context(
    held_out: HeldOut, calibration: Calibration, aggregation: Aggregation
) -> SliceContext | None:
    """Logistic regression of a slice's truth on its own log-odds and its series'; None without long series."""
    stroke = slice_probabilities(held_out.logits, calibration)[:, 1]
    features, truth = [], []
    for patient in np.unique(held_out.patients):
        members = held_out.patients == patient
        if members.sum() >= aggregation.minimum_slices:
            features.append(context_features(stroke[members], aggregation.k))
            truth.append(held_out.labels[members])
    if not features or len(np.unique(np.concatenate(truth))) < 2:
        return None
    fitted = LogisticRegression(max_iter=1000).fit(np.concatenate(features), np.concatenate(truth))
    own, neighbours, further, strongest, mean = (float(weight) for weight in fitted.coef_[0])
    return SliceContext(
        own=own,
        neighbours=neighbours,
        further=further,
        strongest=strongest,
        mean=mean,
        intercept=float(fitted.intercept_[0]),
    )
