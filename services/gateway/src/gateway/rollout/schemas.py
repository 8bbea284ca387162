"""What the API says about a challenger that runs beside the champion."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ictus.domain.enums import Disposition, Finding, RolloutMode


class RolloutRequest(BaseModel):
    """How a challenger is to run from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"mode": "canary", "challenger": "2026.11.24-3f2a9c1d", "share": 0.1}]
        },
    )

    mode: RolloutMode
    challenger: str | None = Field(
        default=None, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Null with `none`."
    )
    share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Canary: of the studies that the challenger answers. Shadow: of those that it is asked about too.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.mode is RolloutMode.NONE) != (self.challenger is None):
            raise ValueError("a rollout names its challenger, and no rollout names none")
        return self


class FindingCount(BaseModel):
    """How many studies had these two findings; null is "the model may not say"."""

    champion: Finding | None
    challenger: Finding | None
    studies: int


class ProbabilityDifference(BaseModel):
    """Of stroke probabilities, challenger minus champion, over studies that have both."""

    studies: int
    mean: float
    mean_absolute: float
    median_absolute: float
    p95_absolute: float
    largest: float = Field(description="The largest absolute one.")


class AgreementReport(BaseModel):
    """How far two versions say the same of the same studies, over all sites."""

    champion: str
    challenger: str
    studies: int
    same_finding: float | None = Field(description="Share, 0..1; null while there are no studies.")
    same_disposition: float | None
    kappa: float | None = Field(
        description="Cohen's, of the findings. Null while there are no studies, or when both always said one thing."
    )
    findings: list[FindingCount]
    difference: ProbabilityDifference | None
    first_at: datetime | None
    last_at: datetime | None
    waiting: int = Field(description="Comparisons that wait for a free worker.")


class RolloutOut(BaseModel):
    """How a challenger runs beside the champion now, and how far they agree."""

    mode: RolloutMode
    champion: str | None = Field(description="The champion when this was arranged.")
    challenger: str | None
    share: float
    set_at: datetime | None = Field(description="Null when nothing was ever arranged.")
    set_by: UUID | None = Field(description="Null when a change of the champion ended the one before.")
    set_by_name: str | None
    agreement: AgreementReport | None = Field(description="Null with `none`.")


class Disagreement(BaseModel):
    """A study of which the two versions say different things."""

    model_config = ConfigDict(from_attributes=True)

    study_id: UUID
    compared_at: datetime
    champion: str
    challenger: str
    champion_finding: Finding | None
    challenger_finding: Finding | None
    champion_disposition: Disposition
    challenger_disposition: Disposition
    champion_probability: float | None
    challenger_probability: float | None
