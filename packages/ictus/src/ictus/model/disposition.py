"""What may be said about a series and a study: confident, uncertain, unsuitable or not validated.

The order is: what no model could read is ``unsuitable``; what this model's evaluation does not cover is
``not_validated`` (no finding, whatever the network says); what claims to be covered but does not look it is
``unsuitable``; then the conformal set decides between ``confident`` and ``uncertain``.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ictus.contracts.prediction import DecisionThresholds
from ictus.domain.enums import Disposition, Finding, Modality
from ictus.imaging.volume import Volume
from ictus.model.aggregation import aggregate
from ictus.model.calibration import slice_probabilities
from ictus.model.conformal import prediction_set
from ictus.model.manifest import ModelManifest, Validation
from ictus.model.preprocess import PreparedSlices
from ictus.model.suitability import (
    EmbeddingStatistics,
    OrientationLimits,
    SuitabilityFault,
    embedding_faults,
    embedding_novelty,
    image_faults,
    is_upside_down,
)


class ReasonCode(StrEnum):
    """Why a disposition was given, besides the values of ``SuitabilityFault``."""

    ONE_FINDING_LEFT = "one_finding_left"
    FINDINGS_NOT_SEPARATED = "findings_not_separated"
    MODALITY_NOT_VALIDATED = "modality_not_validated"
    BODY_PART_NOT_VALIDATED = "body_part_not_validated"


_FAULT_REASONS: Final[dict[SuitabilityFault, str]] = {
    SuitabilityFault.BLANK: "The image is blank or nearly so. Please check the export and send it again.",
    SuitabilityFault.COLOUR: "The image is in colour, so it is no scan slice. Send the original images.",
    SuitabilityFault.NOISE: "The image is noise. Please check the export and send it again.",
    SuitabilityFault.NO_HEAD: "No head was found that looks as on a head CT in a brain window. "
    "Send a head CT, or the images in a brain window.",
    SuitabilityFault.UNLIKE_TRAINING: "The image is too unlike the head CTs that the model has learned from, "
    "so its answer would mean nothing.",
    SuitabilityFault.UPSIDE_DOWN: "The head lies upside down. Please turn the images so that the face points "
    "upwards, and send them again.",
}


@dataclass(frozen=True)
class SeriesDecision:
    """What may be said about one series; the members are named as in ``SeriesPrediction``.

    Attributes:
        slice_probabilities: calibrated stroke probability of each slice, None where unsuitable.
        thresholds: what ``stroke_probability`` was held against; None when nothing was decided by it.
        novelty: mean of the key slices, or of all slices where there are none; None without an embedding check.
    """

    disposition: Disposition
    reason_code: str
    reason: str
    finding: Finding | None
    stroke_probability: float | None
    confidence: float | None
    slice_probabilities: tuple[float | None, ...]
    key_slices: tuple[int, ...]
    thresholds: DecisionThresholds | None
    novelty: float | None


@dataclass(frozen=True)
class StudyDecision:
    """What may be said about a study; the members are named as in ``PredictionResult``.

    Attributes:
        driving: position of the series whose answer is the study's.
    """

    driving: int
    finding: Finding | None
    finding_text: str
    stroke_probability: float | None
    confidence: float | None
    looked_for: str
    thresholds: DecisionThresholds | None
    disposition: Disposition
    reason_code: str
    reason: str
    validated_for: str


def decide_series(
    manifest: ModelManifest,
    *,
    statistics: EmbeddingStatistics | None,
    volume: Volume,
    prepared: PreparedSlices,
    logits: NDArray[np.floating],
    embedding: NDArray[np.floating],
) -> SeriesDecision:
    """Decide about one series, all of whose slices went through the network in order.

    Args:
        manifest: of the model that was run.
        statistics: of its embedding check (``load_statistics``); None when the manifest has none.
        volume: the series.
        prepared: all its slices.
        logits: (slices, classes).
        embedding: (slices, features).
    """
    uncovered = _uncovered(volume, manifest.validation)
    faults = image_faults(
        prepared,
        volume.colourfulness,
        manifest.suitability.image,
        expects_head_ct=uncovered is None,
    )
    if volume.modality is Modality.OTHER and not volume.modality_stated:  # nobody says that it is a scan
        faults = [fault or SuitabilityFault.NO_HEAD for fault in faults]
    novelty: NDArray[np.float32] | None = None
    if uncovered is None and statistics is not None and manifest.suitability.embedding is not None:
        novelty = embedding_novelty(embedding, statistics, manifest.suitability.embedding)
        unlike = embedding_faults(novelty)
        faults = [fault or other for fault, other in zip(faults, unlike, strict=True)]
        faults = _faults_of_position(prepared, faults, statistics, manifest.suitability.orientation)
    usable = np.array([fault is None for fault in faults])
    if not usable.any() or usable.mean() < manifest.suitability.minimum_share:
        return _unsuitable(faults, _mean(novelty, ()))

    stroke = slice_probabilities(logits, manifest.calibration)[:, manifest.stroke_classes].sum(axis=1)
    score = aggregate(stroke, usable, manifest.aggregation, manifest.calibration)
    shown = zip(score.slice_probabilities, usable, strict=True)
    by_slice = tuple(float(p) if ok else None for p, ok in shown)
    if uncovered is not None:
        code, reason = uncovered
        return SeriesDecision(
            Disposition.NOT_VALIDATED, code, reason, None, score.probability, None, by_slice, (), None, None
        )
    quantiles = manifest.decision.study if score.is_study_level else manifest.decision.slice
    left = prediction_set(score.probability, quantiles)
    finding = Finding.STROKE if score.probability >= 0.5 else Finding.NORMAL
    is_confident = left == {finding}
    return SeriesDecision(
        disposition=Disposition.CONFIDENT if is_confident else Disposition.UNCERTAIN,
        reason_code=ReasonCode.ONE_FINDING_LEFT if is_confident else ReasonCode.FINDINGS_NOT_SEPARATED,
        reason=_reason(manifest, is_confident, finding),
        finding=finding,
        stroke_probability=score.probability,
        confidence=score.probability if finding is Finding.STROKE else 1 - score.probability,
        slice_probabilities=by_slice,
        key_slices=score.key_slices,
        thresholds=DecisionThresholds(
            normal_at_most=quantiles.normal_at_most, stroke_at_least=quantiles.stroke_at_least
        ),
        novelty=_mean(novelty, score.key_slices),
    )


def decide_study(manifest: ModelManifest, series: Sequence[SeriesDecision]) -> StudyDecision:
    """The study's answer is that of its most alarming series among those that could be assessed.

    Raises:
        ValueError: no series.
    """
    if not series:
        raise ValueError("a study has at least one series")
    driving = max(range(len(series)), key=lambda i: (*_urgency(series[i]), -i))
    chosen = series[driving]
    not_assessed = sum(s.finding is None for s in series)
    reason = chosen.reason
    if chosen.finding is not None and not_assessed:
        reason += f" {not_assessed} further series could not be assessed."
    return StudyDecision(
        driving=driving,
        finding=chosen.finding,
        finding_text=_finding_text(manifest, chosen),
        stroke_probability=chosen.stroke_probability,
        confidence=chosen.confidence,
        looked_for=manifest.wording.looked_for,
        thresholds=chosen.thresholds,
        disposition=chosen.disposition,
        reason_code=chosen.reason_code,
        reason=reason,
        validated_for=manifest.validation.statement,
    )


def _uncovered(volume: Volume, validation: Validation) -> tuple[ReasonCode, str] | None:
    """Why the evaluation does not cover this input by its own account, None when it does."""
    if volume.modality not in validation.modalities:
        return (
            ReasonCode.MODALITY_NOT_VALIDATED,
            f"The model is not validated for this kind of image ({volume.modality}). {validation.statement}",
        )
    if volume.body_part is not None and volume.body_part not in validation.body_parts:
        return (
            ReasonCode.BODY_PART_NOT_VALIDATED,
            f"The series is labelled {volume.body_part}, which the model is not validated for. "
            f"{validation.statement}",
        )
    return None


def _faults_of_position(
    prepared: PreparedSlices,
    faults: list[SuitabilityFault | None],
    statistics: EmbeddingStatistics,
    limits: OrientationLimits | None,
) -> list[SuitabilityFault | None]:
    """The faults, and that of lying upside down for all slices without one."""
    without = np.flatnonzero([fault is None for fault in faults])
    if limits is None or statistics.upright is None or not len(without):
        return faults
    if not is_upside_down(prepared, without, statistics.upright, limits):
        return faults
    return [fault or SuitabilityFault.UPSIDE_DOWN for fault in faults]


def _mean(novelty: NDArray[np.float32] | None, key_slices: Sequence[int]) -> float | None:
    if novelty is None:
        return None
    return float(np.mean(novelty[list(key_slices)] if key_slices else novelty))


def _unsuitable(faults: Sequence[SuitabilityFault | None], novelty: float | None) -> SeriesDecision:
    fault = Counter(fault for fault in faults if fault is not None).most_common(1)[0][0]
    return SeriesDecision(
        disposition=Disposition.UNSUITABLE,
        reason_code=fault,
        reason=_FAULT_REASONS[fault],
        finding=None,
        stroke_probability=None,
        confidence=None,
        slice_probabilities=(None,) * len(faults),
        key_slices=(),
        thresholds=None,
        novelty=novelty,
    )


def _reason(manifest: ModelManifest, is_confident: bool, finding: Finding) -> str:
    looked_for = manifest.wording.looked_for
    if not is_confident:
        return (
            f"The probability of {looked_for} lies between the limits for a confident answer. "
            "A reader has to decide."
        )
    side = "above" if finding is Finding.STROKE else "below"
    return f"The probability of {looked_for} is clearly {side} the range in which the model is not sure."


def _finding_text(manifest: ModelManifest, series: SeriesDecision) -> str:
    words = manifest.wording
    if series.finding is None:
        return words.none
    is_confident = series.disposition is Disposition.CONFIDENT
    if series.finding is Finding.STROKE:
        return words.stroke if is_confident else words.stroke_tendency
    return words.normal if is_confident else words.normal_tendency


def _urgency(series: SeriesDecision) -> tuple[bool, bool, float]:
    """Assessed series first, then those with a probability, the highest first."""
    probability = series.stroke_probability
    return series.finding is not None, probability is not None, probability or 0.0
