"""What the API says about reviews, and what a reader sends."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.studies.schemas import StudySummary
from ictus.contracts.reviews import Region, SliceIndex
from ictus.domain.enums import (
    Disposition,
    Finding,
    HaemorrhageSubtype,
    Modality,
    Priority,
    ReaderConfidence,
    ReviewState,
    SecondReaderReason,
)


class ReviewLine(BaseModel):
    """One line of the review queue: a result, the study that it is about, and where its review stands."""

    job_id: UUID
    study: StudySummary
    description: str = Field(
        description="The study's as the sender wrote it, or else the first series'; may be empty."
    )
    modality: Modality = Field(description="Of the series that drove the result.")
    priority: Priority
    disposition: Disposition
    reason_code: str
    finding: Finding | None = Field(description="The model's; null when it may not say.")
    stroke_probability: float | None
    confidence: float | None
    novelty: float | None = Field(description="How unlike the training scans; from 1 on outside of them.")
    model_version: str
    predicted_at: datetime
    state: ReviewState
    why: str = Field(description="Why it waits for a reader, or that it does not.")
    waiting_seconds: float | None = Field(
        description="Since the result came; null when no reader is waited for."
    )
    revision: int
    verdict_count: int
    judged_by_me: bool = Field(description="One of the verdicts is the caller's.")
    final_finding: Finding | None
    decided_at: datetime | None
    agrees_with_model: bool | None


class ReaderVerdict(BaseModel):
    """What one reader said of a result."""

    verdict_id: UUID
    reader_id: UUID
    reader_name: str | None = Field(description="Null when the account is gone.")
    mine: bool
    agrees: bool
    finding: Finding | None = Field(description="Null: the images do not allow one.")
    subtype: HaemorrhageSubtype | None
    key_slices: list[int]
    regions: list[Region]
    confidence: ReaderConfidence
    comment: str
    excluded_from_training: bool
    exclusion_reason: str | None
    given_at: datetime


class ReviewDetail(BaseModel):
    """The review of a study's latest result.

    Who still has to read it as the second reader does not see what the first one said: ``hidden_verdicts`` counts
    those verdicts.
    """

    job_id: UUID
    study_id: UUID
    state: ReviewState
    revision: int = Field(description="Send it as `expected_revision` with a verdict.")
    why: str = Field(description="Why it waits for a reader, or that it does not.")
    second_reader_reason: SecondReaderReason | None = Field(
        description="Null for who reads as the second one."
    )
    may_judge: bool = Field(description="The caller may give a verdict now, or replace their own.")
    verdicts: list[ReaderVerdict] = Field(description="Oldest first.")
    hidden_verdicts: int
    series_id: UUID | None = Field(description="The series that drove the result.")
    disposition: Disposition
    reason_code: str
    finding: Finding | None = Field(description="The model's; null when it may not say.")
    stroke_probability: float | None
    confidence: float | None
    novelty: float | None
    key_slices: list[int] = Field(description="The model's, strongest first.")
    slice_scores: list[float | None] = Field(description="Stroke probability of each slice, in slice order.")
    model_version: str
    predicted_at: datetime
    final_finding: Finding | None = Field(
        description="What the readers came to. Null until the review is final, or when the images allow no finding."
    )
    final_subtype: HaemorrhageSubtype | None
    decided_at: datetime | None
    agrees_with_model: bool | None


class VerdictDraft(BaseModel):
    """A verdict on a study's latest result. The reader is whoever is signed in."""

    model_config = ConfigDict(extra="forbid")

    job_id: UUID = Field(description="The result that was read, as the review named it.")
    expected_revision: int = Field(ge=0, description="The review's `revision` when it was read.")
    agrees: bool = Field(description="Whether `finding` is the model's.")
    finding: Finding | None = Field(description="Null: the images do not allow one.")
    subtype: HaemorrhageSubtype | None = None
    key_slices: list[SliceIndex] = Field(default=[], max_length=2000)
    regions: list[Region] = Field(default=[], max_length=100)
    confidence: ReaderConfidence
    comment: str = Field(default="", max_length=2000, description="Must not name the patient.")
    excluded_from_training: bool = False
    exclusion_reason: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.subtype is not None and self.finding is not Finding.STROKE:
            raise ValueError("only a stroke has a subtype")
        if self.excluded_from_training != bool(self.exclusion_reason):
            raise ValueError("an exclusion from training needs its reason, and only an exclusion has one")
        return self
