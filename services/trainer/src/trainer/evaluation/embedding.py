"""The frozen features that contenders and protocols are compared on."""

from pathlib import Path

from trainer.data import Dataset
from trainer.recipe import Recipe
from trainer.training.cross_validation import prepare_training
from trainer.training.head import FeatureSet, feature_set
from trainer.training.params import FrozenDepth

_CLASSES = 2


def frozen_features(
    dataset: Dataset, recipe: Recipe, pretrained: Path | None, cache: Path
) -> tuple[FeatureSet, tuple[int, int]]:
    """The pooled features of both ImageNet backbones, in the recipe's views, whatever it lets learn.

    Args:
        dataset: labelled slices.
        recipe: architecture, preprocessing, augmentation and number of views.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder in which the features are kept between runs.

    Returns:
        The features with the data set's labels and patients, and how many of the features come from the ResNet
        and from the MobileNet.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        CacheError: the disk is too small.
    """
    frozen = recipe.training.model_copy(update={"frozen_depth": FrozenDepth.ALL})
    prepared = prepare_training(
        dataset, recipe.model_copy(update={"training": frozen}), _CLASSES, pretrained, cache
    )
    return feature_set(prepared), prepared.network.widths
