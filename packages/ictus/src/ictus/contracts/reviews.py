"""Reviews, between the gateway and the feedback service: which results there are to read, and what readers say.

    PUT    /internal/v1/review-items/{job_id}       ReviewItem     -> 204 (idempotent) | 409, 410 erased
    GET    /internal/v1/reviews?site_id=&state=&limit=&cursor=     -> 200 ReviewPage
    GET    /internal/v1/reviews/{job_id}                           -> 200 Review | 404
    POST   /internal/v1/reviews/{job_id}/verdicts   VerdictRequest -> 200 Review | 404, 409, 422
    GET    /internal/v1/agreement?site_id=&since=                  -> 200 Agreement
    DELETE /internal/v1/studies/{study_id}                         -> 204 (idempotent)

Requests carry ``Authorization: Bearer <the gateway's token>``. Readers are ids: names stay in the gateway.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from ictus.contracts.base import Contract
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

SliceIndex = Annotated[int, Field(ge=0, le=100_000)]
Coordinate = Annotated[float, Field(ge=-0.5, le=100_000)]
"""In voxels; the first voxel's centre is 0, its outer edge -0.5."""


class ReviewItem(Contract):
    """A result that readers can review: every completed one.

    ``slice_scores`` and ``key_slices`` are those of the series that drove the result, whose slices ``embedding_key``
    holds. Sent again it may be more urgent (``priority``) and may name what was null or empty before; any other
    difference is refused.
    """

    schema_version: Literal[1] = 1
    job_id: UUID
    study_id: UUID
    site_id: UUID
    series_id: UUID | None = Field(default=None, description="The series that drove the result.")
    modality: Modality
    priority: Priority
    disposition: Disposition
    reason_code: str
    finding: Finding | None = Field(default=None, description="The model's; null when it may not say.")
    stroke_probability: float | None = Field(ge=0, le=1)
    confidence: float | None = Field(default=None, ge=0, le=1, description="Probability of the finding.")
    novelty: float | None = Field(
        default=None, ge=0, description="Embedding distance over the model's limit; above 1 is outside."
    )
    key_slices: tuple[SliceIndex, ...] = Field(default=(), description="Strongest first.")
    slice_scores: tuple[float | None, ...] = Field(
        default=(), description="Calibrated stroke probability of each slice, in slice order."
    )
    model_version: str
    embedding_key: str | None
    embedding_space: str | None = Field(
        default=None, max_length=128, description="Only embeddings of one space can be compared."
    )
    patient_ref: UUID | None = Field(
        default=None, description="A keyed hash of site and PatientID: the same for the same patient, opaque."
    )
    predicted_at: datetime


class Region(Contract):
    """A closed outline that a reader drew on one slice."""

    slice_index: SliceIndex
    points: tuple[tuple[Coordinate, Coordinate], ...] = Field(
        min_length=3, max_length=500, description="Corners as (column, row), in voxels."
    )


class Opinion(Contract):
    """What a reader says of a result.

    ``agrees`` tells whether ``finding`` is the model's. A null finding is an opinion too: the images do not allow one.
    """

    reader_id: UUID
    agrees: bool
    finding: Finding | None
    subtype: HaemorrhageSubtype | None = None
    key_slices: tuple[SliceIndex, ...] = Field(default=(), max_length=2000)
    regions: tuple[Region, ...] = Field(default=(), max_length=100)
    confidence: ReaderConfidence
    comment: str = Field(default="", max_length=2000, description="Holds no identity.")
    excluded_from_training: bool = False
    exclusion_reason: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.subtype is not None and self.finding is not Finding.STROKE:
            raise ValueError("only a stroke has a subtype")
        if self.excluded_from_training != bool(self.exclusion_reason):
            raise ValueError("whoever excludes a result from training says why, and nobody else does")
        return self


class Verdict(Opinion):
    """An opinion that was given."""

    verdict_id: UUID
    given_at: datetime


class VerdictRequest(Opinion):
    """An opinion to be taken down; the reader's earlier one on the same result is replaced by it."""

    schema_version: Literal[1] = 1
    expected_revision: int = Field(ge=0, description="Of the review that the reader saw; another one: 409.")


class Review(Contract):
    """A result, what readers said of it so far, and what they came to.

    ``revision`` rises with every verdict. ``agrees_with_model`` is null until the review is final.
    """

    schema_version: Literal[1] = 1
    item: ReviewItem
    state: ReviewState
    revision: int = Field(ge=0)
    second_reader_reason: SecondReaderReason | None = None
    verdicts: tuple[Verdict, ...] = Field(default=(), description="Oldest first.")
    final_finding: Finding | None = None
    final_subtype: HaemorrhageSubtype | None = None
    decided_at: datetime | None = None
    agrees_with_model: bool | None = None


class ReviewFilter(StrEnum):
    """Which reviews a list holds."""

    WAITING = "waiting"
    ALL = "all"
    FINAL = "final"


class ReviewPage(Contract):
    """Reviews of a site: the most urgent first, then by what the model would learn, then the longest waiting.

    Those that are final come last decided first, and all of them newest first.
    """

    schema_version: Literal[1] = 1
    items: tuple[Review, ...]
    next_cursor: str | None


class AgreementFigure(Contract):
    """How often two sides said the same. ``kappa`` (Cohen 1960) leaves out what chance explains."""

    compared: int = Field(ge=0)
    agreed: int = Field(ge=0)
    kappa: float | None = Field(
        ge=-1, le=1, description="Null when nothing was compared or all said one thing."
    )


class Agreement(Contract):
    """Of the verdicts given since ``since``. Only findings count, and a null one is a finding of its own."""

    schema_version: Literal[1] = 1
    since: AwareDatetime | None
    verdicts: int = Field(ge=0)
    waiting: int = Field(ge=0, description="Reviews that wait for a reader now.")
    final: int = Field(ge=0)
    corrected: int = Field(ge=0, description="Final ones in which readers decided against the model.")
    reader_reader: AgreementFigure = Field(description="Over each pair of readers of one result.")
    reader_model: AgreementFigure = Field(description="Over each verdict on a result with a finding.")
