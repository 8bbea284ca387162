"""From slices to the series: the mean of the most suspicious slices, which are named."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params
from ictus.model.calibration import Calibration, study_probability


class AggregationMethod(StrEnum):
    """How slice probabilities become one score."""

    TOP_K_MEAN = "top_k_mean"


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


@dataclass(frozen=True)
class SeriesScore:
    """The series' answer in numbers.

    Attributes:
        probability: calibrated, 0..1.
        key_slices: positions of the slices that drove it, strongest first.
        is_study_level: False when too few slices were there and slice thresholds apply.
    """

    probability: float
    key_slices: tuple[int, ...]
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
    order = positions[np.argsort(-stroke_probability[positions], kind="stable")]
    score = top_k_mean(stroke_probability[positions], aggregation.k)
    is_study_level = len(positions) >= aggregation.minimum_slices
    return SeriesScore(
        probability=study_probability(score, calibration) if is_study_level else score,
        key_slices=tuple(int(position) for position in order[: aggregation.key_slices]),
        is_study_level=is_study_level,
    )


def top_k_mean(values: NDArray[np.floating], k: int) -> float:
    """The mean of the ``k`` largest values, or of all when there are fewer."""
    return float(np.mean(np.sort(values)[::-1][:k]))
