"""What the API says about studies."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.jobs.schemas import JobDetail
from gateway.paging import Cursor, PageSize
from gateway.results.schemas import ResultDetail
from gateway.studies.models import ErasureReason, StudyState
from ictus.domain.enums import Disposition, Finding, Modality, Priority, ReviewState, SourceFormat
from ictus.imaging.volume import VoxelUnits


class PatientDetail(BaseModel):
    """Who the scan is of, as the sender wrote it; only for callers of the study's own site."""

    patient_name: str | None
    patient_id: str | None
    birth_date: str | None
    sex: str | None
    age: str | None
    accession_number: str | None
    study_date: str | None
    study_time: str | None
    study_description: str | None
    referring_physician: str | None
    institution: str | None


class Window(BaseModel):
    """How voxel values become grey: black at ``center - width / 2``, white at ``center + width / 2``."""

    center: float
    width: float


class SeriesDetail(BaseModel):
    """One canonical volume. A slice is ``rows * columns`` little-endian ``dtype`` values, row by row."""

    id: UUID
    modality: Modality
    modality_stated: bool = Field(description="False when it was recognised from the picture.")
    source_format: SourceFormat
    description: str
    body_part: str | None
    dtype: Literal["int16", "uint8"]
    units: VoxelUnits
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None = Field(description="Between slices, rows and columns.")
    default_window: Window
    warnings: list[str] = Field(description="Stable codes of what a reader should know, e.g. uneven_spacing.")


class StudySummary(BaseModel):
    """One line of the worklist."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "6f1c1c3e-5f0b-4a5e-8d0b-8a0f6a4c2d10",
                    "state": "completed",
                    "priority": "STAT",
                    "modality": "CT",
                    "urgency": 0,
                    "received_at": "2026-01-02T03:04:05Z",
                    "analysis_started_at": "2026-01-02T03:04:06Z",
                    "completed_at": "2026-01-02T03:04:09Z",
                    "disposition": "confident",
                    "finding": "stroke",
                    "stroke_probability": 0.94,
                    "confidence": 0.94,
                    "hold_reasons": [],
                    "review_state": "final",
                    "reviewed_finding": "stroke",
                    "reviewed_at": "2026-01-02T03:20:00Z",
                    "patient": None,
                }
            ]
        }
    )

    id: UUID
    state: StudyState
    priority: Priority
    modality: Modality
    urgency: int = Field(description="0 is the most urgent; the order of sort=urgency.")
    received_at: datetime
    analysis_started_at: datetime | None
    completed_at: datetime | None
    disposition: Disposition | None
    finding: Finding | None
    stroke_probability: float | None
    confidence: float | None
    hold_reasons: list[str]
    review_state: ReviewState | None = Field(
        description="Of the latest result's review; null while there is no result."
    )
    reviewed_finding: Finding | None = Field(
        description="What the readers found; null until a review of this study is final."
    )
    reviewed_at: datetime | None = Field(description="When they were done; null as `reviewed_finding` is.")
    patient: PatientDetail | None = Field(description="Null when the upload carried no patient header.")


class StudyDetail(StudySummary):
    """A study with its series, its latest job and the latest result."""

    model_config = ConfigDict(json_schema_extra=None)  # the example of a line is none of a study

    site_id: UUID
    left_out: list[str] = Field(description="Codes of uploaded files that are not part of the study.")
    series: list[SeriesDetail]
    job: JobDetail | None = Field(description="The latest analysis; null while the study is held.")
    result: ResultDetail | None = Field(description="The latest completed analysis' answer.")


class WorklistOrder(StrEnum):
    """How the worklist is sorted; within one urgency the newest comes first."""

    URGENCY = "urgency"
    RECEIVED = "received"


class WorklistQuery(BaseModel):
    """Which studies are listed, and in which order; an empty list lets all pass."""

    sort: WorklistOrder = WorklistOrder.URGENCY
    state: list[StudyState] = []
    disposition: list[Disposition] = []
    modality: list[Modality] = []
    priority: list[Priority] = []
    received_after: datetime | None = None
    cursor: Cursor = None
    limit: PageSize = 50


class StudySearch(WorklistQuery):
    """A worklist query with a text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "doe 4711"}]})

    text: str = Field(
        min_length=2,
        max_length=100,
        description="Each word must occur in the patient's name, the patient's ID or the accession number, or be how "
        "the study's id begins.",
    )


class Erasure(BaseModel):
    """The tombstone of an erased study, and whether everything of it is gone everywhere."""

    study_id: UUID
    erased_at: datetime
    erased_by: UUID | None = Field(description="The administrator; null: its time was over.")
    reason: ErasureReason
    objects_removed: bool = Field(description="Images, pictures and embeddings are out of the object store.")
    feedback_told: bool = Field(description="The feedback service has erased its part.")


class UploadForm(BaseModel):
    """The fields of an upload besides its files."""

    model_config = ConfigDict(extra="forbid")

    modality: Modality | None = None
    priority: Priority = Priority.ROUTINE
