"""What the API says about a result: the names of ``PredictionResult``, without object keys."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.results.models import Result
from ictus.contracts.prediction import DecisionThresholds, ModelFact, PredictionResult, SeriesPrediction
from ictus.domain.enums import Disposition, Finding, Modality


class SliceResult(BaseModel):
    """One slice's answer."""

    index: int = Field(description="Position in the series, 0 = first (most inferior for axial CT).")
    stroke_probability: float | None = Field(
        description="Calibrated, 0..1; null when the slice is unsuitable."
    )
    has_overlay: bool = Field(description="Whether .../slices/{index}/overlay has a heatmap.")


class SeriesResult(BaseModel):
    """One series' answer."""

    series_id: UUID
    modality: Modality
    disposition: Disposition
    reason: str
    finding: Finding | None
    stroke_probability: float | None
    slices: list[SliceResult]
    key_slices: list[int] = Field(description="Indices that drove the score, strongest first.")

    @classmethod
    def of(cls, series: SeriesPrediction) -> Self:
        """Leave out where the pictures lie."""
        return cls(
            series_id=series.series_id,
            modality=series.modality,
            disposition=series.disposition,
            reason=series.reason,
            finding=series.finding,
            stroke_probability=series.stroke_probability,
            slices=[
                SliceResult(
                    index=one.index,
                    stroke_probability=one.stroke_probability,
                    has_overlay=one.overlay_key is not None,
                )
                for one in series.slices
            ],
            key_slices=list(series.key_slices),
        )


class ResultDetail(BaseModel):
    """The answer to one study by one model version. For decision support; a clinician decides.

    ``confidence`` is the calibrated probability of ``finding``. ``finding`` is null when the model may not
    say; that of an ``uncertain`` study is a tendency, never a diagnosis.
    """

    job_id: UUID
    completed_at: datetime
    finding: Finding | None
    finding_text: str
    subtypes: dict[str, float]
    stroke_probability: float | None
    confidence: float | None
    looked_for: str
    thresholds: DecisionThresholds | None
    disposition: Disposition
    reason_code: str
    reason: str
    series: list[SeriesResult]
    driving_series_id: UUID | None
    model_version: str
    model_sha256: str
    validated_for: str
    model_facts: list[ModelFact]

    @classmethod
    def of(cls, result: Result) -> Self:
        """What is stored, as the API tells it."""
        prediction = PredictionResult.model_validate(result.prediction)
        return cls(
            job_id=result.job_id,
            completed_at=result.completed_at,
            series=[SeriesResult.of(series) for series in prediction.series],
            **prediction.model_dump(exclude={"schema_version", "series", "timings"}),
        )
