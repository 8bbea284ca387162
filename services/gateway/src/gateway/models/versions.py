"""What the API says about registered versions, releases and their comparison."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.models.models import Release, ReleaseKind
from gateway.models.schemas import CurrentModel, ModelMetric
from gateway.trainings.schemas import TrainingOut
from ictus.domain.enums import TrainingState


class Measured(BaseModel):
    """What a version's figures were measured on. Figures of different patients say nothing of which version is better."""

    test_set: str | None = Field(
        description="Names the frozen test set; versions with the same one were measured on the same slices. Null: the "
        "version carries none."
    )
    test_patients: int | None
    test_figures: dict[str, float] = Field(description="On the frozen test set, e.g. `study.roc_auc`.")
    on_test_set: bool = Field(description="The version's own figures are those of the test set.")
    patients: int | None = Field(description="Of the version's own evaluation, where that is another one.")
    how: str | None = Field(description="How its own figures were obtained, as its manifest says it.")


class ModelVersionOut(BaseModel):
    """One registered version."""

    version: str
    sha256: str = Field(description="Digest of the manifest, which holds the digests of all files.")
    registered_at: datetime
    aliases: list[Literal["champion", "challenger"]]
    gate: Literal["passed", "refused"] | None = Field(description="Null: no gate has judged it.")
    training_id: UUID | None = Field(description="The training that made it here, if one did.")
    training_state: TrainingState | None
    approvals: int
    can_be_promoted: bool
    can_be_rolled_back_to: bool
    figures: dict[str, float] = Field(description="As its evaluation found them, e.g. `study.roc_auc`.")
    measured: Measured


class ComparedFigure(BaseModel):
    """One figure of both versions on the same frozen test set, each with its 95 % interval where there is one."""

    name: str
    level: Literal["slice", "study"]
    champion: ModelMetric | None
    challenger: ModelMetric | None


class ReleaseOut(BaseModel):
    """One change of the model in use."""

    id: int
    kind: ReleaseKind
    version: str
    previous: str | None
    released_at: datetime
    released_by: UUID | None = Field(description="Null: an operator's command.")
    released_by_name: str | None
    reason: str | None

    @classmethod
    def of(cls, release: Release, names: Mapping[UUID, str]) -> Self:
        """What is stored, as the API tells it. ``names`` are those of people by id."""
        return cls(
            id=release.id,
            kind=release.kind,
            version=release.version,
            previous=release.previous,
            released_at=release.released_at,
            released_by=release.released_by,
            released_by_name=names.get(release.released_by) if release.released_by else None,
            reason=release.reason,
        )


class ModelOverview(BaseModel):
    """Every registered version, newest first, and the champion and its challenger side by side."""

    champion: str | None
    challenger: str | None = Field(
        description="The version that runs beside the champion, or else the newest that waits for approval."
    )
    rollback_target: str | None = Field(description="What a rollback would bring back.")
    approvals_needed: int
    comparison: list[ComparedFigure] = Field(
        description="On the frozen test set of both; empty when they were not measured on the same one."
    )
    compared_patients: int | None = Field(description="Of that test set, as far as it is known.")
    versions: list[ModelVersionOut]
    releases: list[ReleaseOut] = Field(description="The latest; `GET /models/releases` has all.")


class ModelDetail(BaseModel):
    """One version: what it says of itself, what the registry knows of it, and the training that made it."""

    registered: ModelVersionOut
    description: CurrentModel
    training: TrainingOut | None


class RollbackRequest(BaseModel):
    """Back to an earlier model."""

    model_config = ConfigDict(extra="forbid")

    to: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="A version that was in use before; null takes the one before the present.",
    )
    reason: str | None = Field(default=None, max_length=500)
