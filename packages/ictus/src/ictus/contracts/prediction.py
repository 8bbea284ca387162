"""What an analysis of a study says. The same names appear in the REST API and in ``ictus analyze --json``."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from ictus.contracts.base import Contract
from ictus.domain.enums import Disposition, Finding, Modality


class SlicePrediction(Contract):
    """One slice's answer."""

    index: int = Field(
        ge=0, description="Position in the canonical volume, 0 = first (most inferior for axial CT)."
    )
    stroke_probability: float | None = Field(
        ge=0, le=1, description="Calibrated; null when the slice is unsuitable."
    )
    overlay_key: str | None = Field(
        default=None, description="S3 key of the heatmap, PNG with alpha, whole slice."
    )
    picture_key: str | None = Field(
        default=None, description="S3 key of the slice with the heatmap burned in, JPEG."
    )
    plain_key: str | None = Field(
        default=None, description="S3 key of the windowed slice without heatmap, JPEG."
    )


class HeadIntensity(Contract):
    """Grey of a series' head region as the network is shown it, 0 black .. 1 white, every slice together."""

    mean: float = Field(ge=0, le=1)
    deviation: float = Field(ge=0, le=1, description="Standard deviation of the pixels.")
    p05: float = Field(ge=0, le=1, description="A twentieth of the pixels is at most so bright.")
    median: float = Field(ge=0, le=1)
    p95: float = Field(ge=0, le=1, description="All but a twentieth of the pixels is at most so bright.")


class SeriesPrediction(Contract):
    """One series' answer. ``slices`` is in slice order."""

    series_id: UUID
    modality: Modality
    disposition: Disposition
    reason: str
    finding: Finding | None
    stroke_probability: float | None = Field(ge=0, le=1)
    slices: tuple[SlicePrediction, ...]
    key_slices: tuple[int, ...] = Field(description="Indices that drove the score, strongest first.")
    embedding_key: str | None = Field(
        default=None,
        description="S3 key: safetensors 'embedding' (slices, features) f16, every slice of the series.",
    )
    novelty: float | None = Field(
        default=None,
        ge=0,
        description="How unlike the training slices the series is: the mean embedding distance of its key slices, of all "
        "slices where it has none, over the model's limit. Above 1 is outside; null when the model has no limit for "
        "such a series.",
    )
    intensity: HeadIntensity | None = Field(
        default=None,
        description="How bright the head is; null where no head is seen and in answers of before it was measured.",
    )


class StageTiming(Contract):
    """Wall seconds of one stage of the attempt."""

    stage: str
    seconds: float = Field(ge=0)


class DecisionThresholds(Contract):
    """The calibrated stroke probabilities that the disposition was decided by."""

    normal_at_most: float = Field(ge=0, le=1, description="At or below: a confident normal.")
    stroke_at_least: float = Field(ge=0, le=1, description="At or above: a confident stroke.")


class ModelFact(Contract):
    """One line of the model card, for people."""

    name: str
    value: str


class PredictionResult(Contract):
    """The answer to one study by one model version.

    ``finding`` is null when the model may not say (unsuitable or not validated input); an ``uncertain``
    study has the more probable finding, shown as a tendency and never as a diagnosis. ``confidence`` is
    the calibrated probability of ``finding``.
    """

    schema_version: Literal[1] = 1
    finding: Finding | None
    finding_text: str = Field(
        description="What may be said, in the manifest's words, e.g. what was not looked for."
    )
    subtypes: dict[str, float] = Field(default_factory=dict, description="Calibrated probability by subtype.")
    stroke_probability: float | None = Field(ge=0, le=1, description="Null when unsuitable.")
    confidence: float | None = Field(ge=0, le=1)
    looked_for: str = Field(
        default="stroke",
        description="What stroke_probability is the probability of, in the manifest's words, as it reads after 'show', "
        "e.g. 'intracranial haemorrhage'.",
    )
    thresholds: DecisionThresholds | None = Field(
        default=None,
        description="What stroke_probability was held against; null when nothing was decided by it.",
    )
    disposition: Disposition
    reason_code: str = Field(max_length=64, description="Stable code of the disposition's reason.")
    reason: str = Field(description="Why this disposition, in words a clinician can act on.")
    series: tuple[SeriesPrediction, ...]
    driving_series_id: UUID | None = Field(description="The series whose score is the study's.")
    novelty: float | None = Field(default=None, ge=0, description="Of the driving series.")
    intensity: HeadIntensity | None = Field(default=None, description="Of the driving series.")
    embedding_space: str | None = Field(
        default=None,
        description="Digest of what makes the embeddings: only those of one space can be compared. Null in answers of "
        "models that do not name theirs.",
    )
    model_version: str
    model_sha256: str = Field(description="Digest of the manifest, which holds the digest of the weights.")
    validated_for: str = Field(description="The manifest's validation statement.")
    model_facts: tuple[ModelFact, ...] = Field(
        default=(), description="The model card in short: network, training, how it did in tests."
    )
    timings: tuple[StageTiming, ...] = ()
