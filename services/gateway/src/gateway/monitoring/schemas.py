"""What the API says of an installation's studies over time: counts and distributions, never a study."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from ictus.domain.enums import Disposition, Modality


class Figure(StrEnum):
    """What is watched for drift."""

    STROKE_PROBABILITY = "stroke_probability"
    NOVELTY = "novelty"
    UNCERTAINTY = "uncertainty"
    INTENSITY = "intensity"
    CONTRAST = "contrast"
    SCANNER = "scanner"
    DISPOSITION = "disposition"
    AGREEMENT = "agreement"


class TimeWindow(BaseModel):
    """From ``since`` up to but not including ``until``."""

    since: datetime
    until: datetime


class DayFigures(BaseModel):
    """The studies that arrived on one day (UTC)."""

    day: date
    received: int
    answered: int
    failed: int
    dispositions: dict[Disposition, int] = Field(description="Of the answered ones; all four are there.")
    mean_stroke_probability: float | None
    mean_novelty: float | None
    mean_uncertainty: float | None = Field(
        description="1 - |2p - 1| of the stroke probability p: 1 = a toss-up."
    )
    mean_intensity: float | None = Field(
        description="Mean grey of the head as the network is shown it, 0 black .. 1 white."
    )


class AgreementFigures(BaseModel):
    """The reviews that were decided in one week."""

    week: date = Field(description="Its Monday (UTC).")
    decided: int
    agreed: int = Field(description="The readers found what the model had found.")


class Distribution(BaseModel):
    """How the values of one figure lie, before and now."""

    edges: list[float] = Field(
        description="Lower edges of the bins and the last one's upper edge; values outside are in the first and last bin."
    )
    reference: list[int]
    current: list[int]


class Category(BaseModel):
    """How many studies of one kind came, before and now."""

    name: str
    reference: int
    current: int


class Drift(BaseModel):
    """One figure now against the reference window. Null measures: too few studies to tell."""

    figure: Figure
    reference_count: int
    current_count: int
    distribution: Distribution | None = Field(
        description="Null for scanners, dispositions and agreement, which have no scale."
    )
    categories: list[Category] | None = Field(
        default=None,
        description="Of scanners: each kind that the headers state, most studies first; rare ones are taken together. "
        "Null for the other figures.",
    )
    psi: float | None = Field(description="Population stability index; 0 = the same. Null for agreement.")
    ks: float | None = Field(
        description="Kolmogorov-Smirnov distance, 0..1. Null where there is no distribution."
    )
    p_value: float | None = Field(
        description="The chance of such a shift without any drift: of the KS test; of a chi-square test for scanners and "
        "dispositions; of a test of two shares for agreement."
    )
    alarm: bool
    sentence: str = Field(description="What this says, in words.")


class Volume(BaseModel):
    """How many studies a site sent of one modality in the current window."""

    site_id: UUID
    site_name: str
    modality: Modality
    received: int
    dispositions: dict[Disposition, int]
    drifts: list[Drift]


class Alarm(BaseModel):
    """A drift that somebody should look at."""

    figure: Figure
    site_id: UUID | None = Field(description="Null: over all that was asked for.")
    site_name: str | None
    modality: Modality | None
    sentence: str


class AlarmLimits(BaseModel):
    """When a drift is an alarm: the shift is large and not chance, with enough studies in both windows."""

    psi_at_least: float
    p_value_below: float
    least_studies: int
    agreement_drop: float = Field(description="How far the share of reviews that agree must have fallen.")
    least_reviews: int


class Monitoring(BaseModel):
    """Volumes, distributions and agreement of what was asked for, and of each site and modality in it."""

    current: TimeWindow
    reference: TimeWindow
    limits: AlarmLimits
    days: list[DayFigures] = Field(description="Of the current window, oldest first, empty days included.")
    agreement: list[AgreementFigures] = Field(description="Of both windows, by week, oldest first.")
    drifts: list[Drift]
    groups: list[Volume] = Field(description="By site and modality, most studies first.")
    alarms: list[Alarm]
