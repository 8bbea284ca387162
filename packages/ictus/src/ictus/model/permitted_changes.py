"""The permitted changes: what a retraining may change, the data it needs, and what its candidate must keep.

One YAML file, checked against this schema when it is read. The trainer obeys it; the gateway shows it.
"""

from importlib import resources
from pathlib import Path
from typing import Literal, Self

import yaml  # type: ignore[import-untyped]
from pydantic import Field, ValidationError, model_validator

from ictus.domain.enums import TrainingMethod
from ictus.domain.errors import IctusError
from ictus.model.base import Params

Part = Literal["head", "backbones", "calibration", "limits", "suitability"]
"""What a version is made of, as far as a retraining may touch it; ``limits`` are the conformal ones."""

_FILE = "permitted_changes.yaml"


class PermittedChangesError(IctusError):
    """The file of permitted changes is missing or does not say what it must."""

    code = "permitted_changes_invalid"
    title = "The file of permitted changes cannot be used. An administrator must correct it."


class MayChange(Params):
    """The parts that each way of learning may touch."""

    latent_replay: tuple[Part, ...]
    full_fine_tuning: tuple[Part, ...]


class DataNeeded(Params):
    """Without so much nothing is learned."""

    minimum_cases: int = Field(ge=1, description="Confirmed cases that no earlier version learned from.")
    minimum_patients: int = Field(ge=1, description="Whom these cases are of.")
    both_findings: bool = Field(description="Whether cases with and cases without a stroke are needed.")


class AgainstPoisoning(Params):
    """What keeps wrong or one-sided verdicts out."""

    reader_share: float = Field(gt=0, le=1, description="Of the new cases from one reader, at most.")
    minimum_readers: int = Field(ge=1)
    contradiction: float = Field(
        gt=0.5,
        lt=1,
        description="The champion's probability of the other finding from which a case is doubtful.",
    )
    neighbours: int = Field(ge=1, description="Nearest slices of other patients that are asked.")
    neighbour_share: float = Field(
        gt=0.5, le=1, description="Share of them with the other finding from which a case is doubtful."
    )
    reader_contradiction: float = Field(
        gt=0,
        le=1,
        description="Share of the nearest slices of other readers' new cases that may say the contrary of one reader's; "
        "0.5 is chance, which is not held against anybody.",
    )
    pair_witnesses: int = Field(
        default=1,
        ge=0,
        description="New cases of each finding that readers outside a pair that decided half of them must have decided; "
        "0 where only two people read.",
    )
    maximum_doubtful: float = Field(
        ge=0, le=1, description="Share of doubtful cases from which on the whole candidate is refused."
    )


class SolvingWay(Params):
    """One way to solve a solved head again."""

    penalty: float = Field(
        gt=0,
        description="Of the distance to what a solved head is pulled towards, against the mean log loss.",
    )
    stay: float = Field(
        ge=0,
        le=1,
        description="Share of the champion's weights that the penalty pulls a solved head towards.",
    )
    protected: float = Field(
        ge=0,
        lt=1,
        description="Share of the variation within replay and earlier cases that a solved head may not change along.",
    )

    @model_validator(mode="after")
    def _keeps_what_it_protects(self) -> Self:
        if self.protected and self.stay != 1.0:
            raise ValueError("A way that protects keeps the champion's weights whole: stay is 1.")
        return self


class Learning(Params):
    """How the head learns from embeddings."""

    ways: tuple[SolvingWay, ...] = Field(
        min_length=1,
        description="To solve a solved head again: tried in turn, until the gate passes a candidate.",
    )
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    minimum_steps: int = Field(ge=1, description="Batches in an epoch, at least.")
    batch_size: int = Field(ge=4)
    new_share: float = Field(gt=0, le=1, description="Of a batch; the rest is replay and earlier cases.")
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    distillation: float = Field(ge=0, description="Weight of the distance to the champion's answers.")
    temperature: float = Field(gt=0, description="Of distillation (Hinton et al. 2015).")
    held_share: float = Field(ge=0, lt=0.5, description="Of the patients; they are not learned from.")


class FineTuning(Params):
    """How the last stages of the backbones learn with the head, from images."""

    depth: Literal["layer4", "layer3"] = Field(
        description="The first stage that learns; what lies before it is run once."
    )
    replay_slices: int = Field(ge=2, description="Of the replay data set, that are learned from.")
    views: int = Field(ge=0, description="Augmented views of each slice that is learned from, beside itself.")
    epochs: int = Field(ge=1, description="At most.")
    minutes: float = Field(gt=0, description="After which no further epoch begins.")
    patience: int = Field(ge=1, description="Epochs without a better score on what was held out.")
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0, description="Of the head.")
    backbone_rate: float = Field(gt=0, description="Of the last stage, as a share of the head's.")
    weight_decay: float = Field(ge=0)
    held_share: float = Field(gt=0, lt=0.5, description="Of the patients; they are not learned from.")
    suitability_slices: int = Field(
        ge=16, description="Of the replay data set, that the suitability check is fitted to again."
    )


class Acceptance(Params):
    """What the gate asks of a candidate."""

    lower_bound: float = Field(le=0, ge=-1)
    minimum_patients: int = Field(ge=2)
    maximum_ece: float = Field(gt=0, le=1)
    ece_increase: float = Field(ge=0, le=1)
    corrected_regressions: int = Field(ge=0)
    held_log_loss_increase: float = Field(ge=0)
    unsuitable_increase: float = Field(ge=0, le=1, description="Of slices of the test set that are refused.")


class PermittedChanges(Params):
    """The whole file."""

    format_version: Literal[1]
    may_change: MayChange
    data: DataNeeded
    poisoning: AgainstPoisoning
    learning: Learning
    fine_tuning: FineTuning
    acceptance: Acceptance

    @model_validator(mode="after")
    def _check(self) -> "PermittedChanges":
        if {"backbones", "suitability", "limits"} & set(self.may_change.latent_replay):
            raise ValueError(
                "latent_replay has no images, so it may change the head and its calibration only"
            )
        if self.poisoning.reader_share * self.poisoning.minimum_readers < 1:
            raise ValueError(
                "minimum_readers times reader_share must reach 1, or no data set can satisfy both"
            )
        return self

    def parts(self, method: TrainingMethod) -> frozenset[Part]:
        """What a way of learning may touch."""
        return frozenset(
            self.may_change.latent_replay
            if method is TrainingMethod.LATENT_REPLAY
            else self.may_change.full_fine_tuning
        )


def permitted_changes(path: Path | None = None) -> PermittedChanges:
    """Read and check the permitted changes.

    Args:
        path: of an installation's own file; None takes the one that Ictus comes with.

    Raises:
        PermittedChangesError: it is missing or breaks the schema; the detail names each place.
    """
    try:
        text = (
            resources.files("ictus.model").joinpath(_FILE).read_text(encoding="utf-8")
            if path is None
            else path.read_text(encoding="utf-8")
        )
        return PermittedChanges.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PermittedChangesError("The file of permitted changes cannot be read.") from error
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise PermittedChangesError(f"The file of permitted changes is wrong. {places}") from error
