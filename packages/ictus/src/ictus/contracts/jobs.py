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
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from ictus.contracts.base import Contract
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Modality, Priority, SourceFormat, Stage

JOB_CANCELLED: Final = "job_cancelled"
"""``FailJob.code`` of a worker that stopped because a heartbeat was answered with ``cancel_requested``."""

MODEL_VERSION_UNAVAILABLE: Final = "model_version_unavailable"
"""``FailJob.code`` when a job names a version that this worker cannot have: it is not registered, it was refused,
or the registry does not answer (only then ``retryable``). Nothing was analysed; the champion still can be asked."""


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
    model_version: str | None = Field(
        default=None, description="Null: the champion that the worker had when it claimed the job."
    )
    stores_objects: bool = Field(
        default=True,
        description="False when nobody will look at the answer's pictures (a shadow analysis): no overlay, key slice or "
        "embedding is written, and the answer names none.",
    )
    traceparent: str | None = Field(
        default=None,
        max_length=55,
        description="W3C trace context of the request that queued the job: the analysis is part of its trace.",
    )


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
