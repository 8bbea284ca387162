"""From slices to the series: the mean of the most suspicious slices, which are named.

A slice is also judged again in the light of its series: a bleed goes on in the next slice, noise does not. What
that gives is for the slices alone (which ones show it); the series' score comes from the slices by themselves.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params
from ictus.model.calibration import Calibration, log_odds, sigmoid, study_probability


class AggregationMethod(StrEnum):
    """How slice probabilities become one score."""

    TOP_K_MEAN = "top_k_mean"


class SliceContext(Params):
    """Weights of a logistic regression: a slice's log-odds from its own and those of its series."""

    own: float
    neighbours: float = Field(description="Of the mean of the slices on both sides.")
    further: float = Field(description="Of the mean of the slices two away on both sides.")
    strongest: float = Field(description="Of the mean of the ``k`` highest in the series.")
    mean: float = Field(description="Of the mean of the series.")
    intercept: float


class Aggregation(Params):
    """Parameters of the slice-to-study step."""

    method: AggregationMethod = AggregationMethod.TOP_K_MEAN
    k: int = Field(default=3, ge=1)
    minimum_slices: int = Field(
        default=8,
        ge=1,
        description="With fewer slices the score is read as a slice's: no study calibration, slice thresholds.",
    )
    key_slices: int = Field(default=5, ge=1, description="How many slices are named at most.")
    context: SliceContext | None = Field(
        default=None, description="How slices of a series are judged again; None leaves them as they are."
    )


@dataclass(frozen=True)
class SeriesScore:
    """The series' answer in numbers.

    Attributes:
        probability: calibrated, 0..1.
        key_slices: positions of the slices that drove it, strongest first.
        slice_probabilities: (n,) of the slices as they are to be shown: judged again where the series has enough
            of them, and where a slice is not usable as it came.
        is_study_level: False when too few slices were there and slice thresholds apply.
    """

    probability: float
    key_slices: tuple[int, ...]
    slice_probabilities: NDArray[np.floating]
    is_study_level: bool


def aggregate(
    stroke_probability: NDArray[np.floating],
    usable: NDArray[np.bool_],
    aggregation: Aggregation,
    calibration: Calibration,
) -> SeriesScore:
    """Score a series.

    Args:
        stroke_probability: (n,) calibrated slice probabilities.
        usable: (n,) slices that may speak; at least one.
        aggregation: the manifest's slice-to-study step.
        calibration: the manifest's calibration.

    Raises:
        ValueError: no slice is usable.
    """
    positions = np.flatnonzero(usable)
    if not len(positions):
        raise ValueError("no usable slice")
    alone = stroke_probability[positions]
    score = top_k_mean(alone, aggregation.k)
    is_study_level = len(positions) >= aggregation.minimum_slices
    shown = np.array(stroke_probability, dtype=np.float64)
    if is_study_level and aggregation.context is not None:
        weights = aggregation.context
        features = context_features(alone, aggregation.k)
        shown[positions] = sigmoid(features @ _vector(weights) + weights.intercept)
    order = positions[np.argsort(-shown[positions], kind="stable")]
    return SeriesScore(
        probability=study_probability(score, calibration) if is_study_level else score,
        key_slices=tuple(int(position) for position in order[: aggregation.key_slices]),
        slice_probabilities=shown,
        is_study_level=is_study_level,
    )


def context_features(stroke_probability: NDArray[np.floating], k: int) -> NDArray[np.float64]:
    """What ``SliceContext`` weighs, in the order of its members.

    Args:
        stroke_probability: (n,) calibrated, of a series' usable slices in order.
        k: how many slices make the strongest.

    Returns:
        (n, 5) log-odds. At the ends of the series the slice that is missing is taken to be like the last one.
    """
    own = log_odds(np.asarray(stroke_probability, dtype=np.float64))

    def beside(distance: int) -> NDArray[np.float64]:
        framed = np.pad(own, distance, mode="edge")
        return np.asarray((framed[: -2 * distance] + framed[2 * distance :]) / 2)

    whole = np.ones_like(own)
    columns = (own, beside(1), beside(2), top_k_mean(own, k) * whole, own.mean() * whole)
    return np.stack(columns, axis=1)


def _vector(weights: SliceContext) -> NDArray[np.float64]:
    return np.array([weights.own, weights.neighbours, weights.further, weights.strongest, weights.mean])


def top_k_mean(values: NDArray[np.floating], k: int) -> float:
    """The mean of the ``k`` largest values, or of all when there are fewer."""
    return float(np.mean(np.sort(values)[::-1][:k]))
