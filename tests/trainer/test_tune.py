from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from trainer.build import CLASSES
from trainer.data import Dataset, patient_folds
from trainer.recipe import Recipe
from trainer.training.cross_validation import Prepared, prepare_training
from trainer.training.params import FrozenDepth
from trainer.training.tuning import SearchSpace, Tuning, search, tune, varied

TUNING = Tuning(
    space=SearchSpace(frozen_depth=(FrozenDepth.ALL,), hidden=(8, 16), batch_size=(8,), size=(64,)),
    trials=2,
    inner_folds=2,
)


@pytest.fixture(scope="module")
def head_recipe(tiny_recipe: Recipe) -> Recipe:
    training = tiny_recipe.training.model_copy(update={"frozen_depth": FrozenDepth.ALL, "epochs": 2})
    return tiny_recipe.model_copy(update={"training": training})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


class Preparing:
    """Prepares recipes, and remembers which labels each was given."""

    def __init__(self, phantoms: Dataset, pretrained: Path, cache: Path, runs: Path) -> None:
        self.phantoms, self.pretrained, self.cache, self.runs = phantoms, pretrained, cache, runs
        self.labels: np.ndarray | None = None
        self.recipes: list[Recipe] = []

    def __call__(self, recipe: Recipe) -> Prepared:
        self.recipes.append(recipe)
        prepared = prepare_training(self.phantoms, recipe, len(CLASSES), self.pretrained, self.cache)
        prepared = replace(prepared, runs=self.runs / prepared.runs.name)
        if self.labels is None:
            return prepared
        return replace(prepared, data=replace(prepared.data, labels=self.labels))


def test_nested_search_judges_every_slice_and_goes_on(
    phantoms: Dataset, head_recipe: Recipe, pretrained_folder: Path, cache: Path, tmp_path: Path
) -> None:
    preparing = Preparing(phantoms, pretrained_folder, cache, tmp_path)
    folds = patient_folds(phantoms, 2, 0)
    tuned = tune(head_recipe, TUNING, preparing, folds, tmp_path)
    assert len(tuned.of_folds) == 2
    assert np.isfinite(tuned.outer.logits).all()
    assert (np.abs(tuned.outer.logits).sum(axis=1) > 0).all()

    done = len(preparing.recipes)
    assert search(head_recipe, TUNING, preparing, folds >= 0, tmp_path) == tuned.recipe
    assert len(preparing.recipes) == done + 1  # to find the journal; no trial was done again


def test_search_never_sees_what_takes_no_part(
    phantoms: Dataset, head_recipe: Recipe, pretrained_folder: Path, cache: Path, tmp_path: Path
) -> None:
    takes_part = patient_folds(phantoms, 2, 0) == 0
    found = []
    for name, wrong in (("honest", False), ("other labels", True)):
        journals = tmp_path / name
        preparing = Preparing(phantoms, pretrained_folder, cache, journals)
        labels = phantoms.labels.astype(np.int64)
        preparing.labels = np.where(takes_part | (not wrong), labels, 1 - labels)
        found.append(search(head_recipe, TUNING, preparing, takes_part, journals))
    assert found[0] == found[1]


def test_every_searched_value_reaches_the_recipe(head_recipe: Recipe) -> None:
    values = {
        "dropout": 0.2,
        "learning_rate": 1e-3,
        "weight_decay": 0.1,
        "batch_size": 16,
        "hidden": 128,
        "activation": "silu",
        "fusion": "average",
        "frozen_depth": "layer4",
        "size": 224,
    }
    recipe = varied(head_recipe, optuna.trial.FixedTrial(values), SearchSpace())
    stated = recipe.architecture.model_dump() | recipe.training.model_dump() | recipe.preprocess.model_dump()
    assert {name: stated[name] for name in values} == values
