"""What the API says about alerts and the clock."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.studies.schemas import PatientDetail


class StudyClock(BaseModel):
    """When what happened to a study, from its arrival to the readers' finding; null: not yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "study_id": "6f1c1c3e-5f0b-4a5e-8d0b-8a0f6a4c2d10",
                    "received_at": "2026-01-02T03:04:05Z",
                    "analysed_at": "2026-01-02T03:04:09Z",
                    "raised_at": "2026-01-02T03:04:09Z",
                    "seen_at": "2026-01-02T03:06:00Z",
                    "acknowledged_at": "2026-01-02T03:06:20Z",
                    "acknowledged_by": "0b9f6a4e-6c1d-4a58-9f0e-2f6a7d1c3b5e",
                    "escalated_at": None,
                    "reported_at": "2026-01-02T03:20:00Z",
                }
            ]
        }
    )

    study_id: UUID
    received_at: datetime
    analysed_at: datetime | None = Field(description="When the latest answer came.")
    raised_at: datetime | None = Field(description="When the first confident answer that says stroke came.")
    seen_at: datetime | None = Field(description="When a person first opened the study since.")
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    escalated_at: datetime | None = Field(description="When nobody had taken it on for too long.")
    reported_at: datetime | None = Field(description="When the readers' finding was final.")


class OpenAlert(StudyClock):
    """A likely stroke that waits for somebody to take it on."""

    patient: PatientDetail | None = Field(description="Null when the upload carried no patient header.")
