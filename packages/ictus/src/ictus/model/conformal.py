"""Class-conditional (Mondrian) conformal prediction sets (Vovk 2012): how "not sure" is decided.

A class stays in the set unless its probability is lower than all but a small share of held-out examples of
that class had. So each finding is missing from the set at most at that error rate, whatever the
calibration, as long as new patients are like the held-out ones. A set of one is a confident answer.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.domain.enums import Finding
from ictus.model.base import Params

_ROUNDING: Final = 1e-9
"""0.05 * 100 must count as 5, whatever binary fractions make of it."""


class ConformalQuantiles(Params):
    """The probability of each finding at or below which it is left out of the set."""

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
        stroke_floor=class_floor(stroke_probability[is_stroke], stroke_error_rate),
        normal_floor=class_floor(1 - stroke_probability[~is_stroke], normal_error_rate),
        stroke_error_rate=stroke_error_rate,
        normal_error_rate=normal_error_rate,
    )


def class_floor(own_class: NDArray[np.floating], error_rate: float) -> float:
    """The probability of its class at or below which a new example of that class lies seldom enough.

    It is the k-th smallest of the n held-out ones with k = floor(error_rate * (n + 1)): the finite-sample
    correction, by which the promise holds for a new example, not only for these.

    Args:
        own_class: (n,) each example's probability of its own class, from models that did not see it.
        error_rate: share that may lie at or below it, 0..1.

    Returns:
        The limit in 0..1; 0 where n is too small to promise so much (with 36 examples, less than 1/37).
    """
    rank = math.floor(error_rate * (len(own_class) + 1) + _ROUNDING)
    return float(np.sort(own_class)[rank - 1]) if rank >= 1 else 0.0
