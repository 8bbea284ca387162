"""What decides how a network is trained; part of the recipe."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ictus.model.base import Params


class FrozenDepth(StrEnum):
    """How much of the backbones keeps its ImageNet weights: everything before the first stage that learns.

    ``ALL``: only the head learns. ``LAYER4``: the ResNet's layer4 and the MobileNet's blocks at the same
    resolution (1/32) learn too. ``LAYER3``: one stage (1/16) more. ``NONE``: everything learns.
    """

    ALL = "all"
    LAYER4 = "layer4"
    LAYER3 = "layer3"
    NONE = "none"


class TrainingParams(Params):
    """How a network is fitted. The defaults train the head alone.

    Training is progressive: the head learns first, then stage after stage below it, each ``unfreeze_every``
    epochs. Rates are discriminative: the head learns at ``learning_rate``, the stage below it at
    ``backbone_rate`` times that, each stage further down at ``depth_decay`` times the rate of the one above it.
    """

    frozen_depth: FrozenDepth = FrozenDepth.ALL
    solver: Literal["gradient", "logistic"] = Field(
        default="gradient",
        description="How the head is fitted: by gradient steps, or, behind frozen backbones, as the logistic "
        "regression of all views; rates, epochs and the like mean nothing then.",
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1e-4, 3e-4, 1e-3),
        min_length=1,
        description="Inverse strengths of the logistic regression's penalty, scikit-learn's C, to choose from on "
        "patients kept aside.",
    )
    painted_weight: float = Field(
        default=0.5, ge=0, description="Of a painted view in the logistic regression; a real one weighs 1."
    )
    positive_views: int = Field(
        default=4,
        ge=0,
        description="Augmented views of each slice with a stroke, besides the slice as it is; each epoch sees one.",
    )
    negative_views: int = Field(default=1, ge=0, description="Likewise of each slice without.")
    painted_views: int = Field(
        default=0, ge=0, description="Views of slices without a stroke with a bleed painted into them."
    )
    painted_slices: int | None = Field(
        default=None, ge=1, description="How many slices are painted on; unset, all without a stroke."
    )
    optimiser: Literal["adam", "adamw", "rmsprop"] = "adamw"
    learning_rate: float = Field(default=3e-4, gt=0, description="Of the head.")
    weight_decay: float = Field(default=3.0, ge=0, description="Of the head.")
    backbone_rate: float = Field(default=0.1, gt=0)
    depth_decay: float = Field(default=0.3, gt=0, le=1)
    backbone_weight_decay: float = Field(default=0.05, ge=0)
    batch_size: int = Field(default=64, ge=2)
    epochs: int = Field(default=60, ge=1, description="At most; early stopping ends sooner.")
    patience: int = Field(
        default=8, ge=1, description="Epochs without a better score, once all stages learn."
    )
    settled_head: bool = Field(
        default=False,
        description="Whether the head's batch norms keep their statistics and nothing is dropped out: for going on from "
        "a head that was solved and speaks through two hidden units.",
    )
    monitor: Literal["log_loss", "roc_auc", "training_loss"] = Field(
        default="log_loss",
        description="What early stopping follows, on patients kept aside. training_loss: none are kept aside, "
        "all are learned from for as many epochs as stated.",
    )
    head_epochs: int = Field(default=2, ge=0, description="Epochs in which the head learns alone.")
    unfreeze_every: int = Field(
        default=2, ge=1, description="Epochs between one stage and the next below it."
    )
    warm_up_epochs: float = Field(
        default=0.0, ge=0, description="Of linear warm-up for each stage, from when it begins to learn."
    )
    cosine: bool = Field(default=False, description="Let rates fall to zero along a cosine over the epochs.")
    loss: Literal["cross_entropy", "binary_cross_entropy"] = "cross_entropy"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weighting: bool = Field(default=False, description="Weigh each class by its rarity.")
    positives_per_epoch: int | None = Field(
        default=None,
        ge=1,
        description="So many slices with a stroke, dealt evenly to their patients; unset, each comes once.",
    )
    negatives_per_epoch: int | None = Field(
        default=None,
        ge=1,
        description="So many slices without, drawn anew each epoch; unset, each comes once.",
    )
    painted_per_epoch: int = Field(
        default=0, ge=0, description="So many painted slices, drawn anew each epoch."
    )
    average_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Of the weights' exponential moving average, which is kept; 0: none.",
    )
    mixed_precision: Literal["auto", "off", "bfloat16"] = Field(
        default="auto", description="auto: on CUDA, in bfloat16 where the device has it, else float16."
    )

    @model_validator(mode="after")
    def _check(self) -> "TrainingParams":
        if self.solver == "logistic" and self.frozen_depth is not FrozenDepth.ALL:
            raise ValueError("the logistic solver needs frozen backbones: frozen_depth all")
        return self
