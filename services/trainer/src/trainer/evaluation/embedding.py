"""The frozen features that contenders and protocols are compared on."""

from pathlib import Path

from trainer.data import Dataset
from trainer.recipe import Recipe
from trainer.training.cross_validation import prepare_training
from trainer.training.head import FeatureSet, feature_set
from trainer.training.params import FrozenDepth

_CLASSES = 2


def on_frozen_features(recipe: Recipe) -> Recipe:
    """The recipe with ImageNet backbones that learn nothing and slices as they are: what is compared then is heads."""
    training = recipe.training.model_copy(
        update={
            "frozen_depth": FrozenDepth.ALL,
            "positive_views": 0,
            "negative_views": 0,
            "painted_views": 0,
            "painted_per_epoch": 0,
        }
    )
    return recipe.model_copy(update={"training": training})


def frozen_features(
    dataset: Dataset, recipe: Recipe, pretrained: Path | None, cache: Path
) -> tuple[FeatureSet, tuple[int, int]]:
    """The pooled features of both ImageNet backbones.

    Args:
        dataset: labelled slices.
        recipe: of ``on_frozen_features``.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder in which the features are kept between runs.

    Returns:
        The features with the data set's labels and patients, and how many of the features come from the ResNet
        and from the MobileNet.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        CacheError: the disk is too small.
    """
    prepared = prepare_training(dataset, recipe, _CLASSES, pretrained, cache)
    return feature_set(prepared), prepared.network.widths
