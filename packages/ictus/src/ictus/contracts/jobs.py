"""The job protocol between the gateway and an inference worker.

Postgres is the truth. A worker that heard the doorbell claims the most urgent job over HTTP and gets a
lease and a fencing token (``fence``, raised by one at each claim). Heartbeats extend the lease. A worker
whose lease ran out is a zombie: its fence is stale, and its heartbeat, completion or failure is answered
with 409 ``fence_lost`` and changes nothing. ``complete`` and ``fail`` are idempotent for the same fence.

    POST /internal/v1/jobs/claim              ClaimRequest   -> 200 AnalyzeStudy | 204 nothing to do
    POST /internal/v1/jobs/{job_id}/heartbeat Heartbeat      -> 200 LeaseState   | 409 fence_lost
    POST /internal/v1/jobs/{job_id}/complete  CompleteJob    -> 204              | 409 fence_lost
    POST /internal/v1/jobs/{job_id}/fail      FailJob        -> 204              | 409 fence_lost

Requests carry ``Authorization: Bearer <service token>``.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ictus.contracts.base import Contract
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Modality, Priority, SourceFormat, Stage


class SeriesRef(Contract):
    """One canonical volume in the object store."""

    series_id: UUID
    modality: Modality
    source_format: SourceFormat
    volume_key: str = Field(description="S3 key of the canonical volume (ictus.imaging.volume).")
    volume_sha256: str
    slices: int = Field(ge=1)
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)


class ClaimRequest(Contract):
    """A worker asks for work."""

    schema_version: Literal[1] = 1
    worker_id: str = Field(max_length=200)
    model_version: str | None = Field(default=None, description="The version the worker has loaded.")
    job_id: UUID | None = Field(default=None, description="The job of the wake-up; a hint only.")


class AnalyzeStudy(Contract):
    """A claimed job: everything that a worker needs, and nothing that identifies the patient."""

    schema_version: Literal[1] = 1
    job_id: UUID
    study_id: UUID
    attempt: int = Field(ge=1)
    fence: int = Field(ge=1)
    lease_expires_at: datetime
    heartbeat_seconds: float = Field(gt=0)
    priority: Priority
    series: tuple[SeriesRef, ...] = Field(min_length=1)
    result_prefix: str = Field(description="S3 key prefix for what this attempt writes; ends with '/'.")
    model_version: str | None = Field(default=None, description="Null: the present champion.")


class Heartbeat(Contract):
    """Still alive, and how far."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    stage: Stage
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)


class LeaseState(Contract):
    """The answer to a heartbeat."""

    schema_version: Literal[1] = 1
    lease_expires_at: datetime
    cancel_requested: bool = False


class CompleteJob(Contract):
    """The answer to a claimed job."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    worker_id: str
    result: PredictionResult


class FailJob(Contract):
    """A claimed job that this worker could not answer. Retryable ones are queued again, three attempts in all."""

    schema_version: Literal[1] = 1
    fence: int = Field(ge=1)
    worker_id: str
    code: str = Field(max_length=64)
    detail: str = Field(max_length=500)
    retryable: bool
