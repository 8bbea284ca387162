"""From logits to probabilities that mean what they say.

Slices: temperature scaling with a bias for each class (Guo et al., ICML 2017), fitted on held-out patients; the
bias puts back the rarity of stroke slices that class weighting took out. Studies: Platt scaling of the
aggregated score's log-odds, because the mean of the worst slices is no probability by itself.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params

Float64 = NDArray[np.float64]

_EDGE: Final = 1e-6
"""Probabilities are kept this far from 0 and 1, so that log-odds stay finite."""


class Calibration(Params):
    """Fitted on held-out patients only."""

    temperature: float = Field(gt=0, description="Slice logits are divided by it before the softmax.")
    bias: tuple[float, ...] | None = Field(
        default=None, description="Added to the scaled logits, one for each class; None adds nothing."
    )
    study_slope: float = Field(default=1.0, gt=0, description="Platt slope on the study score's log-odds.")
    study_intercept: float = 0.0


def slice_probabilities(logits: NDArray[np.floating], calibration: Calibration) -> Float64:
    """Calibrated class probabilities: (n, classes) logits to (n, classes), rows sum to one."""
    scaled = np.asarray(logits, dtype=np.float64) / calibration.temperature
    if calibration.bias is not None:
        scaled += np.asarray(calibration.bias)
    scaled -= scaled.max(axis=1, keepdims=True)
    raised = np.exp(scaled)
    probabilities: Float64 = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def study_probability(score: float, calibration: Calibration) -> float:
    """The calibrated study probability of an aggregated slice score in 0..1."""
    return float(sigmoid(calibration.study_slope * log_odds(score) + calibration.study_intercept))


def log_odds(probability: float | Float64) -> Float64:
    """ln(p / (1 - p)), finite at 0 and 1."""
    p = np.clip(np.asarray(probability, dtype=np.float64), _EDGE, 1 - _EDGE)
    odds: Float64 = np.log(p / (1 - p))
    return odds


def sigmoid(value: float | Float64) -> Float64:
    """The inverse of ``log_odds``."""
    result: Float64 = 1.0 / (1.0 + np.exp(-np.asarray(value, dtype=np.float64)))
    return result
