"""Reports about phantoms: one builder for every disposition and size."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import cv2
import numpy as np

from ictus.contracts.prediction import (
    DecisionThresholds,
    ModelFact,
    PredictionResult,
    SeriesPrediction,
    SlicePrediction,
)
from ictus.domain.enums import Disposition, Finding, Modality, Priority
from ictus.imaging.phantom import Bleed, head_ct
from ictus.report import KeySlice, PatientLabel, StudyLabels, StudyReport, default_table

STUDY_ID = UUID("6d3d4f43-7f0f-4a44-9d8b-2f6f0e6a1c11")
THRESHOLDS = DecisionThresholds(normal_at_most=0.08, stroke_at_least=0.85)
PATIENT = PatientLabel("Sample, Ingrid", "PHANTOM-0001", "1950-06-15", "F")
FACTS = (
    ModelFact(name="Network", value="ResNet-50 and MobileNetV2, features concatenated"),
    ModelFact(name="Trained on", value="ct-ich: 82 patients, 2,491 slices"),
    ModelFact(name="ROC-AUC", value="0.95, 95 % interval 0.90 to 0.98 (studies)"),
)
_TEXTS = {
    (
        Disposition.CONFIDENT,
        Finding.STROKE,
    ): "Signs of intracranial haemorrhage. Ischaemic stroke is not assessed by this model.",
    (
        Disposition.CONFIDENT,
        Finding.NORMAL,
    ): "No intracranial haemorrhage found. Ischaemic stroke is not assessed by this model.",
    (Disposition.UNCERTAIN, Finding.STROKE): "No decision; the score tends towards intracranial haemorrhage.",
    (
        Disposition.UNCERTAIN,
        Finding.NORMAL,
    ): "No decision; the score tends towards no intracranial haemorrhage.",
}
_REASONS = {
    Disposition.CONFIDENT: "The calibrated score lies beyond the model's threshold.",
    Disposition.UNCERTAIN: "The score lies between the model's thresholds, where it is often wrong.",
    Disposition.UNSUITABLE: "The picture does not look like the head scans that the model was trained on.",
    Disposition.NOT_VALIDATED: "The model is validated for head CT only; this is an MR.",
}


@dataclass(frozen=True)
class Case:
    """What a test varies."""

    disposition: Disposition = Disposition.CONFIDENT
    probability: float | None = 0.93
    slices: int = 24
    series: int = 1
    modality: Modality = Modality.CT
    patient: PatientLabel | None = PATIENT
    finding_text: str | None = None
    thresholds: DecisionThresholds | None = THRESHOLDS
    facts: tuple[ModelFact, ...] = FACTS
    pictures: int = 4

    @property
    def finding(self) -> Finding | None:
        if (
            self.disposition in {Disposition.UNSUITABLE, Disposition.NOT_VALIDATED}
            or self.probability is None
        ):
            return None
        return Finding.STROKE if self.probability >= 0.5 else Finding.NORMAL


def jpeg(picture: np.ndarray) -> bytes:
    written, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert written
    return encoded.tobytes()


@cache
def pictures() -> tuple[bytes, bytes]:
    """A phantom's slice in the brain window, and the same with a painted spot and its outline."""
    voxels = head_ct(slices=3, size=256, bleed=Bleed()).voxels[1].astype(np.float32)
    grey = np.clip((voxels - 0) / 80 * 255, 0, 255).astype(np.uint8)
    spot = np.zeros((256, 256), np.float32)
    cv2.circle(spot, (172, 140), 26, 1.0, -1)
    heat = cv2.GaussianBlur(spot, (0, 0), 14)
    colour = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    share = (heat * 0.6)[..., None]
    burned = (cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR) * (1 - share) + colour * share).astype(np.uint8)
    contours, _ = cv2.findContours((heat > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(burned, contours, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return jpeg(grey), jpeg(burned)


def build(case: Case) -> StudyReport:
    """The report of a case; its first series drives the score."""
    series = tuple(_series(case, number) for number in range(case.series))
    asked = case.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
    texts = _TEXTS.get(
        (case.disposition, case.finding or Finding.NORMAL), "The model gives no answer for this input."
    )
    result = PredictionResult(
        finding=case.finding,
        finding_text=case.finding_text or texts,
        stroke_probability=case.probability,
        confidence=None
        if case.finding is None or case.probability is None
        else max(case.probability, 1 - case.probability),
        looked_for="intracranial haemorrhage",
        thresholds=case.thresholds,
        disposition=case.disposition,
        reason_code="test",
        reason=_REASONS[case.disposition],
        series=series,
        driving_series_id=series[0].series_id if asked else None,
        model_version="starter-2026.11",
        model_sha256="3f" * 32,
        validated_for="Intracranial haemorrhage on non-contrast head CT of adults. Not validated for MR or ischaemic stroke.",
        model_facts=case.facts,
    )
    shown = series[0].key_slices[: case.pictures]
    return StudyReport(
        labels=StudyLabels(
            study_id=STUDY_ID,
            modality=case.modality,
            received_at=datetime(2026, 11, 23, 15, 41, tzinfo=UTC),
            analysed_at=datetime(2026, 11, 23, 15, 42, tzinfo=UTC),
            site_name="St. Elsewhere General",
            description="Head without contrast",
        ),
        result=result,
        key_slices=tuple(KeySlice(series[0].series_id, at, *pictures()) for at in shown),
        next_steps=default_table().evaluate(result, case.modality, Priority.STAT),
        patient=case.patient,
    )


def _series(case: Case, number: int) -> SeriesPrediction:
    middle = case.slices * 0.55
    scores = [
        None if case.probability is None else case.probability * float(np.exp(-(((at - middle) / 3) ** 2)))
        for at in range(case.slices)
    ]
    ranked = sorted(range(case.slices), key=lambda at: -(scores[at] or 0))
    return SeriesPrediction(
        series_id=UUID(int=number + 1),
        modality=case.modality,
        disposition=case.disposition,
        reason=_REASONS[case.disposition],
        finding=case.finding,
        stroke_probability=case.probability,
        slices=tuple(SlicePrediction(index=at, stroke_probability=score) for at, score in enumerate(scores)),
        key_slices=tuple(ranked[:6]),
    )
