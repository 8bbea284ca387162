"""The whole way from drawn patients to a model directory, and the embeddings that travel with it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.trainer.drawn_patients import write_dataset

from ictus.model.manifest import REPLAY_FILE, TEST_SET_FILE, ModelDirectory, load_model_directory
from trainer import build
from trainer.build import ModelIdentity, Trained, frozen_test_set, train_network, write_model
from trainer.data import Dataset, DatasetError, load_dataset
from trainer.data.splits import read_test_patients
from trainer.exemplars import Embedded, balanced, read_embedded, write_embedded
from trainer.recipe import Recipe


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_dataset(tmp_path_factory.mktemp("drawn") / "patients"))


@pytest.fixture(scope="module")
def recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.changed(
        {
            "training": {"epochs": 2, "monitor": "training_loss"},
            "test_share": 0.25,
            "suitability_components": 4,
        }
    )


@pytest.fixture(scope="module")
def trained(
    dataset: Dataset, recipe: Recipe, pretrained_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    cache = tmp_path_factory.mktemp("cache")
    return train_network(dataset, recipe, pretrained_folder, cache, lambda _: None)


@pytest.fixture(scope="module")
def model(
    trained: Trained, dataset: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> ModelDirectory:
    identity = ModelIdentity("drawn", "0.1.0", "CC0-1.0", datetime(2026, 1, 1, tzinfo=UTC))
    output = tmp_path_factory.mktemp("output") / "model"
    return write_model(trained, dataset, recipe, identity, output, lambda _: None)


def test_directory_is_complete_and_verified(model: ModelDirectory) -> None:
    again = load_model_directory(model.path)
    assert again.sha256 == model.sha256
    assert {REPLAY_FILE, TEST_SET_FILE, "suitability.safetensors"} <= again.manifest.files.keys()
    names = {metric.name for metric in again.manifest.metrics}
    assert {"roc_auc", "roc_auc_in_series", "roc_auc_on_test_set"} <= names


def test_test_set_holds_whole_patients_and_replay_none_of_them(
    model: ModelDirectory, trained: Trained, dataset: Dataset
) -> None:
    replayed, kept = (read_embedded(model.path / name) for name in (REPLAY_FILE, TEST_SET_FILE))
    assert not set(replayed.patients) & set(kept.patients)
    held_back = set(dataset.patients[trained.is_test])
    assert trained.is_test.sum() == np.isin(dataset.patients, sorted(held_back)).sum() == len(kept.labels)
    assert set(kept.labels) == {0, 1}
    np.testing.assert_allclose(kept.embedding, trained.embedding[trained.is_test], rtol=2e-3, atol=2e-3)


def test_model_knows_whom_it_never_learned_from(
    model: ModelDirectory, trained: Trained, dataset: Dataset
) -> None:
    part = build.test_set_of(model, dataset)
    assert set(part.patients) == set(dataset.patients[trained.is_test])
    assert part.sha256 != model.manifest.training.dataset_sha256
    with pytest.raises(DatasetError, match="not trained on this version"):
        build.test_set_of(model, part)


def test_embedding_space_follows_the_backbones(model: ModelDirectory, trained: Trained) -> None:
    assert model.manifest.embedding_space == trained.network.backbone_sha256()


def test_no_share_keeps_no_patient_apart(dataset: Dataset, recipe: Recipe) -> None:
    assert not frozen_test_set(dataset, recipe.changed({"test_share": 0})).any()


def test_given_test_set_is_held_back_and_no_pseudonym_travels(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    stroke = sorted(set(dataset.patients[dataset.labels]))
    chosen = {stroke[0], min(set(dataset.patients) - set(stroke))}
    file = tmp_path / "test-set.txt"
    file.write_text("\n".join(sorted(chosen)) + "\n")
    given = recipe.changed({"test_patients": read_test_patients(file, dataset)})
    assert set(dataset.patients[frozen_test_set(dataset, given)]) == chosen
    assert not chosen & set(given.test_patients)
    assert Recipe.model_validate_json(given.model_dump_json()) == given


@pytest.mark.parametrize(
    ("named", "why"),
    [("nobody-here", "does not have"), ("", "names no patient")],
)
def test_test_set_of_strangers_is_refused(dataset: Dataset, tmp_path: Path, named: str, why: str) -> None:
    file = tmp_path / "test-set.txt"
    file.write_text(named)
    with pytest.raises(DatasetError, match=why):
        read_test_patients(file, dataset)


def test_test_set_without_a_stroke_is_refused(dataset: Dataset, recipe: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "test-set.txt"
    file.write_text(min(set(dataset.patients) - set(dataset.patients[dataset.labels])))
    given = recipe.changed({"test_patients": read_test_patients(file, dataset)})
    with pytest.raises(DatasetError, match="one with a stroke and one without"):
        frozen_test_set(dataset, given)


def test_recipe_of_a_model_that_drew_by_lot_says_nothing_of_a_given_test_set(recipe: Recipe) -> None:
    assert "test_patients" not in recipe.model_dump_json()


def test_exemplars_are_balanced_over_classes_and_patients() -> None:
    labels = np.repeat([0, 1], [90, 30])
    patients = np.concatenate([np.repeat([0, 1, 2], [60, 20, 10]), np.repeat([3, 4], [28, 2])])
    rows = balanced(labels, patients, 24, seed=0)
    assert len(set(rows)) == 24
    assert np.bincount(labels[rows]).tolist() == [12, 12]
    assert np.bincount(patients[rows]).tolist() == [4, 4, 4, 10, 2]


def test_a_small_class_gives_all_it_has() -> None:
    labels = np.repeat([0, 1], [50, 3])
    rows = balanced(labels, np.arange(53), 20, seed=0)
    assert np.bincount(labels[rows]).tolist() == [17, 3]


def test_embedded_slices_are_read_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    groups = {"sex:F": np.arange(5) > 2}
    slices = Embedded(rng.normal(size=(5, 7)).astype(np.float32), np.arange(5) % 2, np.arange(5), groups)
    write_embedded(slices, tmp_path / "slices.safetensors")
    again = read_embedded(tmp_path / "slices.safetensors")
    np.testing.assert_allclose(again.embedding, slices.embedding, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(again.labels, slices.labels)
    np.testing.assert_array_equal(again.patients, slices.patients)
    np.testing.assert_array_equal(again.groups["sex:F"], groups["sex:F"])
