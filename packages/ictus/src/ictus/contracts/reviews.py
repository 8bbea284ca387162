"""What the gateway tells the feedback service: which results wait for a reader.

PUT /internal/v1/review-items/{job_id}   ReviewItem -> 204 (idempotent)
GET /internal/v1/review-items?site_id=&state=open&limit=&cursor=  -> ReviewItemPage
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ictus.contracts.base import Contract
from ictus.domain.enums import Disposition, Modality, Priority


class ReviewItem(Contract):
    """A result that a radiologist should look at: stored for feedback learning, flagged for retraining."""

    schema_version: Literal[1] = 1
    job_id: UUID
    study_id: UUID
    site_id: UUID
    modality: Modality
    priority: Priority
    disposition: Disposition
    reason_code: str
    stroke_probability: float | None = Field(ge=0, le=1)
    model_version: str
    embedding_key: str | None
    predicted_at: datetime


class ReviewItemPage(Contract):
    """Open items, most urgent first."""

    schema_version: Literal[1] = 1
    items: tuple[ReviewItem, ...]
    next_cursor: str | None
