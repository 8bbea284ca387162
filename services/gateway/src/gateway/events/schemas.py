"""What an event says to a browser."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ictus.domain.enums import Disposition, Finding, Priority, ReviewState, Stage


class EventKind(StrEnum):
    """What happened."""

    STUDY_HELD = "study.held"
    STUDY_ERASED = "study.erased"
    STUDY_PRIORITY_RAISED = "study.priority_raised"
    JOB_QUEUED = "job.queued"
    JOB_STARTED = "job.started"
    JOB_PROGRESS = "job.progress"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    REVIEW_CHANGED = "review.changed"
    ALERT_RAISED = "alert.raised"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_ESCALATED = "alert.escalated"


class StudyEvent(BaseModel):
    """One change of one study. Carries no identity; a reader that wants more asks for the study.

    ``stage``, ``done`` and ``total`` come with ``job.progress``; ``disposition`` and ``finding`` with
    ``job.completed``; ``failure_code`` with ``job.failed``, and with a ``job.queued`` that is another attempt;
    ``review_state`` with ``review.changed``, and the readers' ``finding`` once the review is final.
    """

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "job.progress",
                    "study_id": "6f1c1c3e-5f0b-4a5e-8d0b-8a0f6a4c2d10",
                    "at": "2026-01-02T03:04:05Z",
                    "job_id": "0d9c1f52-7a1e-4c39-9b0e-2f1f0c8a7b11",
                    "attempt": 1,
                    "stage": "classifying",
                    "done": 12,
                    "total": 32,
                }
            ]
        },
    )

    kind: EventKind
    study_id: UUID
    at: datetime
    job_id: UUID | None = None
    priority: Priority | None = None
    attempt: int | None = None
    stage: Stage | None = None
    done: int | None = None
    total: int | None = None
    disposition: Disposition | None = None
    finding: Finding | None = None
    failure_code: str | None = None
    review_state: ReviewState | None = None


class EventRecord(BaseModel):
    """An event as it travels from the committing process to the listening ones."""

    model_config = ConfigDict(frozen=True)

    id: int
    site_id: UUID
    event: StudyEvent
