"""What decides how a network is trained; part of the recipe."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

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
    monitor: Literal["log_loss", "roc_auc"] = Field(
        default="log_loss", description="What early stopping follows, on patients kept aside."
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
