"""Class-conditional conformal prediction sets (Vovk 2012; Mondrian): how "not sure" is decided.

A class stays in the set unless its probability is lower than all but a share ``error_rate`` of held-out
examples of that class had. So each finding is missed from the set at most at that rate, whatever the
calibration, as long as new patients are like the held-out ones. A set of one is a confident answer.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.domain.enums import Finding
from ictus.model.base import Params


class ConformalQuantiles(Params):
    """The lowest probability at which each finding stays in the set."""

    error_rate: float = Field(gt=0, lt=1)
    stroke_floor: float = Field(ge=0, le=1)
    normal_floor: float = Field(ge=0, le=1)


def prediction_set(stroke_probability: float, quantiles: ConformalQuantiles) -> frozenset[Finding]:
    """The findings that cannot be ruled out: none, one or both."""
    kept = set()
    if stroke_probability >= quantiles.stroke_floor:
        kept.add(Finding.STROKE)
    if 1 - stroke_probability >= quantiles.normal_floor:
        kept.add(Finding.NORMAL)
    return frozenset(kept)


def fit_quantiles(
    stroke_probability: NDArray[np.floating], is_stroke: NDArray[np.bool_], error_rate: float
) -> ConformalQuantiles:
    """Quantiles from held-out examples.

    Args:
        stroke_probability: (n,) calibrated, from models that did not see the example.
        is_stroke: (n,) the truth.
        error_rate: share of each class that may be missed.
    """
    return ConformalQuantiles(
        error_rate=error_rate,
        stroke_floor=_floor(stroke_probability[is_stroke], error_rate),
        normal_floor=_floor(1 - stroke_probability[~is_stroke], error_rate),
    )


def _floor(own_class: NDArray[np.floating], error_rate: float) -> float:
    """The k-th smallest probability with the finite-sample correction; 0 when there are too few examples."""
    rank = math.floor(error_rate * (len(own_class) + 1))
    return float(np.sort(own_class)[rank - 1]) if rank >= 1 else 0.0
