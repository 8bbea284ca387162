"""Class-conditional (Mondrian) conformal prediction sets (Vovk 2012): how "not sure" is decided.

A class stays in the set unless its probability is lower than all but a small share of held-out examples of
that class had. So each finding is missing from the set at most at that error rate, whatever the
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

    stroke_floor: float = Field(ge=0, le=1)
    normal_floor: float = Field(ge=0, le=1)
    stroke_error_rate: float = Field(gt=0, lt=1, description="Share of strokes ruled out, at most.")
    normal_error_rate: float = Field(gt=0, lt=1, description="Share of normals called stroke, at most.")

    @property
    def normal_at_most(self) -> float:
        """At or below this stroke probability only ``normal`` is left, and is the more probable."""
        return min(self.stroke_floor, 1 - self.normal_floor, 0.5)

    @property
    def stroke_at_least(self) -> float:
        """At or above this stroke probability only ``stroke`` is left, and is the more probable."""
        return max(self.stroke_floor, 1 - self.normal_floor, 0.5)


def prediction_set(stroke_probability: float, quantiles: ConformalQuantiles) -> frozenset[Finding]:
    """The findings that cannot be ruled out: one of them, or both.

    Where the held-out classes were so far apart that a probability between them rules out both, both are
    returned: nothing like it was seen. A finding less probable than the other is never alone in the set.
    """
    if stroke_probability >= quantiles.stroke_at_least:
        return frozenset({Finding.STROKE})
    if stroke_probability <= quantiles.normal_at_most:
        return frozenset({Finding.NORMAL})
    return frozenset(Finding)


def fit_quantiles(
    stroke_probability: NDArray[np.floating],
    is_stroke: NDArray[np.bool_],
    stroke_error_rate: float,
    normal_error_rate: float,
) -> ConformalQuantiles:
    """Quantiles from held-out examples.

    Args:
        stroke_probability: (n,) calibrated, from models that did not see the example.
        is_stroke: (n,) the truth.
        stroke_error_rate: share of strokes that may be ruled out.
        normal_error_rate: share of normals that may be called stroke.
    """
    return ConformalQuantiles(
        stroke_floor=_floor(stroke_probability[is_stroke], stroke_error_rate),
        normal_floor=_floor(1 - stroke_probability[~is_stroke], normal_error_rate),
        stroke_error_rate=stroke_error_rate,
        normal_error_rate=normal_error_rate,
    )


def _floor(own_class: NDArray[np.floating], error_rate: float) -> float:
    """The k-th smallest probability with the finite-sample correction; 0 when there are too few examples."""
    rank = math.floor(error_rate * (len(own_class) + 1))
    return float(np.sort(own_class)[rank - 1]) if rank >= 1 else 0.0
