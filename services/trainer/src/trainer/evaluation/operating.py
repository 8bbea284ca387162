"""What is decided with the probabilities: conformal sets, and operating points by target sensitivity."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.domain.enums import Finding
from ictus.model.base import Params
from ictus.model.conformal import class_floor
from trainer.calibrate import ErrorRates, Judged
from trainer.evaluation import weighted
from trainer.evaluation.bootstrap import Interval, interval, whole
from trainer.evaluation.metrics import confident, not_ruled_out

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

TARGET_SENSITIVITIES: Final = (0.80, 0.90, 0.95)


class Confusion(Params):
    """How often each truth got each call."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


class OperatingPoint(Params):
    """What a sensitivity costs.

    The threshold that judges a patient is found on the other patients, so the sensitivity that was reached may
    lie below the target, and the specificity is what a new patient may expect.
    """

    target_sensitivity: float
    threshold: float = Field(description="Found on all patients; above it a stroke is called.")
    sensitivity: Interval
    specificity: Interval
    precision: Interval
    confusion: Confusion


class SetCoverage(Params):
    """How the conformal sets did on one finding."""

    finding: Finding
    examples: int
    promised: float = Field(description="Share of these whose set must hold the finding: 1 - error rate.")
    covered: Interval = Field(description="Share whose set holds it.")
    sent_to_readers: Interval = Field(description="Share with no confident answer: the set holds both.")
    confidently_right: Interval
    confidently_wrong: Interval


def confusion(called: Bool, label: Bool) -> Confusion:
    """The confusion matrix of calls."""
    return Confusion(
        true_positive=int((called & label).sum()),
        false_positive=int((called & ~label).sum()),
        false_negative=int((~called & label).sum()),
        true_negative=int((~called & ~label).sum()),
    )


def set_coverage(judged: Judged, errors: ErrorRates, weights: Float64) -> tuple[SetCoverage, ...]:
    """Coverage by class, and who is sent to readers.

    Args:
        judged: held-out predictions with their limits.
        errors: what the limits were fitted to promise.
        weights: (resamples, n) for the intervals.
    """
    left = {
        Finding.STROKE: not_ruled_out(judged),
        Finding.NORMAL: judged.probability < judged.stroke_at_least,
    }
    alone = confident(judged)
    promised = {Finding.STROKE: 1 - errors.stroke, Finding.NORMAL: 1 - errors.normal}
    rows = []
    for finding, truth in ((Finding.STROKE, judged.label), (Finding.NORMAL, ~judged.label)):
        rows.append(
            SetCoverage(
                finding=finding,
                examples=int(truth.sum()),
                promised=promised[finding],
                covered=_share(left[finding], truth, weights),
                sent_to_readers=_share(~alone, truth, weights),
                confidently_right=_share(alone & left[finding], truth, weights),
                confidently_wrong=_share(alone & ~left[finding], truth, weights),
            )
        )
    return tuple(rows)


def operating_points(
    judged: Judged, weights: Float64, targets: Sequence[float] = TARGET_SENSITIVITIES
) -> tuple[OperatingPoint, ...]:
    """The specificity that each target sensitivity costs.

    Args:
        judged: held-out predictions.
        weights: (resamples, n) for the intervals.
        targets: sensitivities in 0..1.
    """
    points = []
    for target in targets:
        called = judged.probability > _thresholds_of_others(judged, target)
        points.append(
            OperatingPoint(
                target_sensitivity=target,
                threshold=class_floor(judged.probability[judged.label], 1 - target),
                sensitivity=_share(called, judged.label, weights),
                specificity=_share(~called, ~judged.label, weights),
                precision=_share(judged.label, called, weights),
                confusion=confusion(called, judged.label),
            )
        )
    return tuple(points)


def _thresholds_of_others(judged: Judged, target: float) -> Float64:
    """(n,) for each row the threshold that the other patients' strokes give."""
    thresholds = np.empty(len(judged.label))
    for patient in np.unique(judged.patient):
        own = judged.patient == patient
        thresholds[own] = class_floor(judged.probability[judged.label & ~own], 1 - target)
    return thresholds


def _share(inside: Bool, among: Bool, weights: Float64) -> Interval:
    value = float(weighted.share(inside, among, whole(len(among)))[0])
    return interval(value, weighted.share(inside, among, weights))
