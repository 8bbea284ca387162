"""What the API says about jobs."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.jobs.models import AttemptOutcome
from ictus.domain.enums import JobState, Priority, Stage


class JobDetail(BaseModel):
    """One analysis of one study."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    study_id: UUID
    state: JobState
    priority: Priority
    attempt: int = Field(description="Attempts begun since the job was last queued; three at most.")
    stage: Stage | None = Field(description="The step that a running job is at.")
    done: int = Field(description="Units of the stage finished, e.g. slices; 0 of 0 when not counted.")
    total: int
    cancel_requested: bool
    model_version: str | None = Field(description="The version asked for; null for the current champion.")
    created_at: datetime
    started_at: datetime | None = Field(description="When the first attempt was claimed.")
    finished_at: datetime | None
    failure_code: str | None
    failure_detail: str | None = Field(description="Why the last attempt failed, in words.")


class AttemptDetail(BaseModel):
    """One claim of a job by a worker."""

    model_config = ConfigDict(from_attributes=True)

    fence: int
    worker_id: str
    claimed_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None = Field(description="Null while it runs.")
    failure_code: str | None
    failure_detail: str | None


class FailedJob(JobDetail):
    """A job that needs a person, with its attempts, newest first."""

    attempts: list[AttemptDetail]


class QueueStatus(BaseModel):
    """How much waits, over all sites."""

    queued: int
    queued_stat: int = Field(description="How many of ``queued`` are STAT.")
    running: int
    failed: int
    oldest_queued_at: datetime | None
    max_queue_length: int = Field(description="From here on uploads are answered with 503.")


class AnalysisRequest(BaseModel):
    """Ask for another analysis of a study."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"priority": "STAT", "model_version": None}]}
    )

    priority: Priority | None = Field(default=None, description="Null keeps the study's.")
    model_version: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Null for the current champion.",
    )
