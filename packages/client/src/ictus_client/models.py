"""Studies and answers, with the names of the REST API. Members that a later Ictus adds are left out."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Modality = Literal["CT", "MR", "OT"]
Priority = Literal["ROUTINE", "STAT"]
Finding = Literal["stroke", "normal"]
Disposition = Literal["confident", "uncertain", "unsuitable", "not_validated"]
State = Literal["held", "queued", "running", "completed", "failed", "cancelled"]
PullState = Literal["queued", "running", "done", "failed"]
ReviewState = Literal["optional", "open", "second_reader", "conflict", "final"]

ENDED: frozenset[State] = frozenset({"held", "completed", "failed", "cancelled"})
"""States that do not change by themselves."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SliceAnswer(_Read):
    """One slice. ``stroke_probability``: 0 to 1, calibrated; None when the slice is unsuitable."""

    index: int
    stroke_probability: float | None
    has_overlay: bool


class SeriesAnswer(_Read):
    """One series. ``key_slices``: indices that drove the score, strongest first."""

    series_id: UUID
    modality: Modality
    disposition: Disposition
    reason: str
    finding: Finding | None
    stroke_probability: float | None
    slices: list[SliceAnswer]
    key_slices: list[int]


class Answer(_Read):
    """What the model said. Only a ``confident`` disposition is an answer; the others say why there is none.

    ``finding_text`` is what may be said, with what was not looked for; ``confidence`` the calibrated probability (0 to
    1) of ``finding``; ``validated_for`` what the model's evaluation covers.
    """

    completed_at: datetime
    finding: Finding | None
    finding_text: str
    stroke_probability: float | None
    confidence: float | None
    disposition: Disposition
    reason_code: str
    reason: str
    series: list[SeriesAnswer]
    model_version: str
    validated_for: str


class Patient(_Read):
    """Whose scan it is, as far as the caller may know. Handle with care: never log it."""

    patient_name: str | None = None
    patient_id: str | None = None
    birth_date: str | None = None
    accession_number: str | None = None


class StudyRow(_Read):
    """A line of the worklist."""

    id: UUID
    state: State
    priority: Priority
    modality: Modality
    urgency: int
    received_at: datetime
    disposition: Disposition | None
    finding: Finding | None
    stroke_probability: float | None
    confidence: float | None
    hold_reasons: list[str]
    review_state: ReviewState | None
    reviewed_finding: Finding | None


class Study(StudyRow):
    """A study with its answer, once it has one."""

    patient: Patient | None
    result: Answer | None

    @property
    def has_ended(self) -> bool:
        """Whether its state does not change by itself."""
        return self.state in ENDED


class Pull(_Read):
    """A study on its way from an archive. ``instances`` of ``expected`` are here, where the archive counts them."""

    id: UUID
    state: PullState
    instances: int
    expected: int | None
    study_id: UUID | None
    code: str | None
    reason: str | None

    @property
    def has_ended(self) -> bool:
        """Whether it is here, or was given up."""
        return self.state in {"done", "failed"}
