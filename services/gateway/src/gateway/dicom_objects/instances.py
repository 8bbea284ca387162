"""Which objects a result gives, and what they are called for ever: the same result always has the same UIDs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    EncapsulatedPDFStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
)

from ictus.contracts.prediction import PredictionResult, SeriesPrediction
from ictus.domain.enums import Disposition
from ictus.imaging.uids import replacement_uid
from ictus.report import KEY_SLICES_SHOWN, ReportStatus


class ObjectKind(StrEnum):
    """What is made of a result."""

    STRUCTURED_REPORT = "sr"
    PARAMETRIC_MAP = "pm"
    SECONDARY_CAPTURE = "sc"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class _Nature:
    sop_class: UID
    modality: str
    series_number: int
    description: str
    follows_review: bool


_NATURES: Final = {
    ObjectKind.STRUCTURED_REPORT: _Nature(
        UID(Comprehensive3DSRStorage), "SR", 9101, "Ictus result", follows_review=True
    ),
    ObjectKind.PARAMETRIC_MAP: _Nature(
        UID(ParametricMapStorage), "OT", 9102, "Ictus Grad-CAM, not for diagnosis", follows_review=False
    ),
    ObjectKind.SECONDARY_CAPTURE: _Nature(
        UID(SecondaryCaptureImageStorage),
        "OT",
        9103,
        "Ictus key slices with Grad-CAM, not for diagnosis",
        follows_review=False,
    ),
    ObjectKind.PDF: _Nature(UID(EncapsulatedPDFStorage), "DOC", 9104, "Ictus report", follows_review=True),
}


SOP_CLASSES: Final = {kind: str(nature.sop_class) for kind, nature in _NATURES.items()}
"""The SOP class of each kind."""


@dataclass(frozen=True, slots=True)
class ResultInstance:
    """One object of a result, before it is built.

    Attributes:
        number: InstanceNumber, from 1.
        slice_index: the key slice that a secondary capture shows; None for the other kinds.
    """

    kind: ObjectKind
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    modality: str
    series_number: int
    series_description: str
    number: int
    slice_index: int | None = None

    @property
    def may_change_with_review(self) -> bool:
        """Whether a reader's verdict makes another instance of it."""
        return _NATURES[self.kind].follows_review


def shown_series(prediction: PredictionResult) -> SeriesPrediction:
    """The series that is explained: the one whose score is the study's, or the first where none is."""
    driving = prediction.driving_series_id
    return next((one for one in prediction.series if one.series_id == driving), prediction.series[0])


def is_explained(prediction: PredictionResult) -> bool:
    """Whether heatmaps may be shown: never for an input that the model cannot judge (``StudyReport.probability``)."""
    answered = prediction.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
    return answered and prediction.stroke_probability is not None


def result_instances(
    key: bytes, job_id: UUID, prediction: PredictionResult, status: ReportStatus, *, identified: bool
) -> tuple[ResultInstance, ...]:
    """The objects of a result.

    Args:
        key: of the HMAC that replaces UIDs; the objects' UIDs are made with it.
        job_id: the analysis.
        prediction: its answer.
        status: a final or corrected report is another instance than the preliminary one.
        identified: False for the copies beside the de-identified study. Their UIDs stand for the others' as the
            study's stand for the sender's. They have no PDF: it is read as the report.
    """
    series = shown_series(prediction)
    slices = {one.index: one for one in series.slices}
    pictured = [index for index in series.key_slices[:KEY_SLICES_SHOWN] if slices[index].picture_key]
    found = [_instance(key, job_id, ObjectKind.STRUCTURED_REPORT, status, identified)]
    if is_explained(prediction):
        if any(one.overlay_key for one in series.slices):
            found.append(_instance(key, job_id, ObjectKind.PARAMETRIC_MAP, status, identified))
        found += [
            _instance(key, job_id, ObjectKind.SECONDARY_CAPTURE, status, identified, number, index)
            for number, index in enumerate(pictured, 1)
        ]
    if identified:
        found.append(_instance(key, job_id, ObjectKind.PDF, status, identified))
    return tuple(found)


def device_uid(key: bytes, model_version: str, model_sha256: str) -> str:
    """The observer's UID: another one for every version of the model."""
    return replacement_uid(key, f"model {model_version} {model_sha256}")


def tracking_uid(key: bytes, job_id: UUID, name: str) -> str:
    """The UID by which a finding of a job is followed from one report to the next (TID 4108)."""
    return replacement_uid(key, f"finding {job_id} {name}")


def _instance(
    key: bytes,
    job_id: UUID,
    kind: ObjectKind,
    status: ReportStatus,
    identified: bool,
    number: int = 1,
    slice_index: int | None = None,
) -> ResultInstance:
    nature = _NATURES[kind]
    name = f"result {job_id} {kind}"
    revision = f" {status}" if nature.follows_review else ""
    series_uid, instance_uid = (replacement_uid(key, text) for text in (name, f"{name} {number}{revision}"))
    if not identified:
        series_uid, instance_uid = replacement_uid(key, series_uid), replacement_uid(key, instance_uid)
    return ResultInstance(
        kind=kind,
        sop_class_uid=str(nature.sop_class),
        sop_instance_uid=instance_uid,
        series_instance_uid=series_uid,
        modality=nature.modality,
        series_number=nature.series_number,
        series_description=nature.description,
        number=list(ReportStatus).index(status) + 1 if nature.follows_review else number,
        slice_index=slice_index,
    )
