"""What the API says about the model in use."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ictus.contracts.prediction import DecisionThresholds, ModelFact
from ictus.domain.enums import Finding, Modality
from ictus.model.conformal import ConformalQuantiles
from ictus.model.facts import model_facts
from ictus.model.manifest import ModelManifest


class ModelClassOut(BaseModel):
    """One output of the network."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["stroke"])
    finding: Finding


class ModelMetric(BaseModel):
    """One figure of the evaluation, with its 95 % interval over patients where there is one."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["roc_auc"])
    level: Literal["slice", "study"]
    value: float
    low: float | None
    high: float | None


class ModelThresholds(BaseModel):
    """What calibrated stroke probabilities are held against; between the two the answer is uncertain."""

    study: DecisionThresholds
    slice: DecisionThresholds = Field(description="For a series with fewer slices than `minimum_slices`.")


class ModelLimits(BaseModel):
    """What the evaluation covers and how often it may be wrong; a scan outside of it is not validated."""

    modalities: list[Modality]
    body_parts: list[str] = Field(description="DICOM BodyPartExamined; a scan that states none passes.")
    minimum_slices: int = Field(description="With fewer, a series is judged as single slices are.")
    stroke_error_rate: float = Field(description="Share of strokes called confidently normal, at most.")
    normal_error_rate: float = Field(description="Share of normals called confidently stroke, at most.")


class CurrentModel(BaseModel):
    """The model version in use."""

    name: str
    version: str = Field(examples=["0.1.0"])
    created_at: datetime
    licence: str
    looked_for: str = Field(
        description="What it looks for, as it reads after 'show'.", examples=["intracranial haemorrhage"]
    )
    validated_for: str = Field(description="The validation statement, which every result carries.")
    classes: list[ModelClassOut]
    metrics: list[ModelMetric]
    thresholds: ModelThresholds
    limits: ModelLimits
    facts: list[ModelFact] = Field(description="The model card in short, for people.")
    known_at: datetime = Field(description="When the registry last said that this version is in use.")

    @classmethod
    def of(cls, manifest: ModelManifest, known_at: datetime) -> Self:
        """What a manifest says, in short."""
        study = manifest.decision.study
        return cls(
            name=manifest.name,
            version=manifest.version,
            created_at=manifest.created_at,
            licence=manifest.licence,
            looked_for=manifest.wording.looked_for,
            validated_for=manifest.validation.statement,
            classes=[ModelClassOut.model_validate(model_class) for model_class in manifest.classes],
            metrics=[ModelMetric.model_validate(metric) for metric in manifest.metrics],
            thresholds=ModelThresholds(study=_thresholds(study), slice=_thresholds(manifest.decision.slice)),
            limits=ModelLimits(
                modalities=list(manifest.validation.modalities),
                body_parts=list(manifest.validation.body_parts),
                minimum_slices=manifest.aggregation.minimum_slices,
                stroke_error_rate=study.stroke_error_rate,
                normal_error_rate=study.normal_error_rate,
            ),
            facts=list(model_facts(manifest)),
            known_at=known_at,
        )


def _thresholds(quantiles: ConformalQuantiles) -> DecisionThresholds:
    return DecisionThresholds(
        normal_at_most=quantiles.normal_at_most, stroke_at_least=quantiles.stroke_at_least
    )
