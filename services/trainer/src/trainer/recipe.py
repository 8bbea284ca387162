"""How a model is trained: everything that must be said to get the same model again."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from ictus.model.aggregation import Aggregation
from ictus.model.base import Params
from ictus.model.manifest import Architecture
from ictus.model.preprocess import PreprocessParams, Window
from trainer.training.augment import Augmentation
from trainer.training.params import TrainingParams

_PICTURES: Final = Window(center=40, width=120)
"""The window that the training pictures were exported at: see docs/decisions/0020."""


class Recipe(Params):
    """The whole recipe.

    The defaults train the head alone on ImageNet features of the data that the starter model learned from; the
    recipe of each model lies in its directory.
    """

    architecture: Architecture = Architecture(
        resnet_stride_in_1x1=True, mobilenet_same_padding=True, hidden=64, dropout=0.5
    )
    preprocess: PreprocessParams = PreprocessParams(windows=(_PICTURES,), picture_window=_PICTURES)
    augmentation: Augmentation = Augmentation()
    training: TrainingParams = TrainingParams()
    aggregation: Aggregation = Aggregation()
    slice_context: bool = Field(
        default=True, description="Fit how a slice is judged again in the light of its series."
    )
    folds: int = Field(default=5, ge=2)
    test_share: float = Field(
        default=0.15,
        ge=0,
        lt=0.5,
        description="Of the patients, that the released network never learns from: later versions are judged on them. "
        "The folds are of all patients.",
    )
    test_patients: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda patients: (
            not patients
        ),  # what was written before there was this list stays the same
        description="Digests of the patients of a frozen test set that was given, in place of a share drawn by lot: "
        "``trainer.data.splits.patient_digest``.",
    )
    seed: int = 20
    stroke_error_rate: float = Field(default=0.05, gt=0, lt=1)
    normal_error_rate: float = Field(default=0.10, gt=0, lt=1)
    suitability_components: int = Field(default=64, ge=2)
    suitability_neighbour: int = Field(default=5, ge=1)
    suitability_refused: float = Field(
        default=0.01, gt=0, lt=1, description="Share of held-out training-like slices that may be refused."
    )

    def changed(self, changes: Mapping[str, Any]) -> "Recipe":
        """This recipe with what a nested mapping says otherwise; what it does not name stays.

        Raises:
            pydantic.ValidationError: a name or value does not exist.
        """
        return Recipe.model_validate(_merged(self.model_dump(), changes))


def _merged(whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(whole)
    for name, value in changes.items():
        within = merged.get(name)
        if isinstance(within, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(within, value)
        else:
            merged[name] = value
    return merged
