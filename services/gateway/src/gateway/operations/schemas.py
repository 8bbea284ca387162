"""What the API says to those who keep an installation running."""

from datetime import datetime

from pydantic import BaseModel, Field


class PartState(BaseModel):
    """Whether a part answered just now."""

    name: str = Field(examples=["database"])
    ok: bool
    milliseconds: float = Field(description="How long it took to answer, or to be given up.")


class WorkerState(BaseModel):
    """What an inference worker did in the last day."""

    worker_id: str
    last_claim_at: datetime
    running: int
    answered: int
    gave_up: int = Field(description="Attempts that failed or whose lease ran out.")


class AnswerTimes(BaseModel):
    """Seconds from queue to stored answer, over the last day; null when nothing was answered."""

    answered: int
    median_seconds: float | None
    p95_seconds: float | None


class FigureNow(BaseModel):
    """One of the gauges that Prometheus is told."""

    name: str
    help: str
    labels: dict[str, str]
    value: float


class Operations(BaseModel):
    """One look at the installation."""

    at: datetime
    parts: list[PartState]
    answers: AnswerTimes
    workers: list[WorkerState]
    figures: list[FigureNow]
    spool_free_bytes: int = Field(description="Free where uploads are spooled.")
    spool_bytes: int = Field(description="Size of the file system that uploads are spooled to.")
