"""What the API says about results that wait for a reader."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.studies.schemas import StudySummary
from ictus.domain.enums import Disposition, Modality, Priority


class ReviewOut(BaseModel):
    """One result that waits for a reader, with the study that it is about."""

    job_id: UUID
    study: StudySummary
    modality: Modality = Field(description="Of the series that drove the result.")
    priority: Priority
    disposition: Disposition
    reason_code: str
    stroke_probability: float | None
    model_version: str
    predicted_at: datetime
