import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.manifest import Architecture
from trainer.calibrate import HeldOut, fit, judge, judge_across_folds, judge_in_series_across_folds
from trainer.data import DatasetError, load_dataset, patient_folds
from trainer.evaluation import evaluate, expected_calibration_error
from trainer.recipe import Recipe
from trainer.training.head import FeatureSet, cross_validate, fit_head, new_head, predict
from trainer.training.params import TrainingParams

RECIPE = Recipe(
    architecture=Architecture(hidden=8, dropout=0.2),
    training=TrainingParams(epochs=30, patience=5, batch_size=32, learning_rate=1e-2, weight_decay=1e-2),
    folds=4,
    seed=1,
)
WIDTHS = (12, 8)


@pytest.fixture(scope="module")
def separable() -> FeatureSet:
    """Forty patients of ten slices; half have strokes, on half of their slices, which shift a few features."""
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 10)
    labels = ((patients % 2 == 1) & (np.arange(400) % 10 < 5)).astype(np.int64)
    features = rng.normal(size=(400, 2, 20)).astype(np.float32)
    features[labels == 1, :, :4] += 1.8
    return FeatureSet(features, labels, patients.astype(str))


@pytest.fixture
def dataset_folder(tmp_path: Path) -> Path:
    rows = []
    for patient in range(6):
        volume = head_ct(3, 96, Bleed() if patient % 2 else None, seed=patient)
        for number in range(3):
            name = f"{patient} ({number}).png"
            cv2.imwrite(str(tmp_path / name), brain_window(volume, number))
            rows.append([name, patient, number, "" if number == 2 else int(patient % 2 == 1)])
    with (tmp_path / "slice_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "patient", "slice_no", "slice_ich"], *rows])
    return tmp_path


def test_slices_without_a_label_are_left_out(dataset_folder: Path) -> None:
    dataset = load_dataset(dataset_folder)
    assert len(dataset.slices) == 12
    assert dataset.labels.sum() == 6


def test_dataset_version_follows_labels_and_pictures(dataset_folder: Path) -> None:
    before = load_dataset(dataset_folder).sha256
    assert load_dataset(dataset_folder).sha256 == before
    table = dataset_folder / "slice_labels.csv"
    table.write_text(table.read_text().replace("0 (0).png,0,0,0", "0 (0).png,0,0,1"))
    assert load_dataset(dataset_folder).sha256 != before


def test_missing_picture_is_named(dataset_folder: Path) -> None:
    (dataset_folder / "3 (1).png").unlink()
    with pytest.raises(DatasetError, match=r"3 \(1\)\.png"):
        load_dataset(dataset_folder)


def test_no_patient_is_in_two_folds(dataset_folder: Path) -> None:
    dataset = load_dataset(dataset_folder)
    folds = patient_folds(dataset, 3, seed=0)
    for patient in set(dataset.patients):
        assert len(set(folds[dataset.patients == patient])) == 1
    assert set(folds) == {0, 1, 2}


def test_same_seed_gives_the_same_head(separable: FeatureSet) -> None:
    heads = [
        fit_head(new_head(RECIPE, WIDTHS, 2, 3), separable, None, RECIPE.training, seed=3).head
        for _ in range(2)
    ]
    first, second = (predict(head, separable.features[:, 0]) for head in heads)
    np.testing.assert_array_equal(first, second)


def test_training_stops_when_other_patients_gain_nothing(separable: FeatureSet) -> None:
    rng = np.random.default_rng(5)
    noise = FeatureSet(separable.features, rng.permutation(separable.labels), separable.patients)
    fitted = fit_head(new_head(RECIPE, WIDTHS, 2, 0), noise, separable, RECIPE.training, seed=0)
    assert fitted.epochs < RECIPE.training.epochs


@pytest.fixture(scope="module")
def held_out(separable: FeatureSet) -> tuple[HeldOut, np.ndarray]:
    folds = (np.arange(400) // 10) % 4
    logits, _ = cross_validate(separable, folds, RECIPE, WIDTHS, 2)
    return HeldOut(logits, separable.labels == 1, separable.patients), folds


def test_cross_validation_finds_the_signal_in_unseen_patients(held_out: tuple[HeldOut, np.ndarray]) -> None:
    slices, studies = judge_across_folds(*held_out, RECIPE)
    by_name = {m.name: m for m in evaluate("slice", slices, seed=0)}
    assert by_name["roc_auc"].value > 0.9
    assert by_name["ece"].value < 0.1
    for metric in by_name.values():
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value + 0.05
        assert metric.high >= metric.value - 0.05
    assert len(studies.label) == 40
    assert studies.label.sum() == 20


def test_calibration_repairs_overconfident_and_shifted_logits(held_out: tuple[HeldOut, np.ndarray]) -> None:
    honest, _ = held_out
    distorted = HeldOut(honest.logits * 6 + np.float32([0, 4]), honest.labels, honest.patients)
    slices, _ = judge(distorted, fit(distorted, RECIPE), RECIPE.aggregation)
    assert expected_calibration_error(slices.probability, slices.label) < 0.06


def test_perfect_calibration_has_no_error() -> None:
    probability = np.repeat([0.1, 0.5, 0.9], 100)
    label = np.concatenate([np.arange(100) < 100 * p for p in (0.1, 0.5, 0.9)])
    assert expected_calibration_error(probability, label, bins=3) == pytest.approx(0, abs=1e-12)


def test_series_repairs_slices_that_their_neighbours_contradict(held_out: tuple[HeldOut, np.ndarray]) -> None:
    honest, folds = held_out
    noise = np.random.default_rng(0).normal(scale=1.5, size=len(honest.labels)).astype(np.float32)
    noisy = HeldOut(honest.logits + noise[:, None] * np.float32([0, 1]), honest.labels, honest.patients)
    alone, _ = judge_across_folds(noisy, folds, RECIPE)
    in_series = judge_in_series_across_folds(noisy, folds, RECIPE)
    np.testing.assert_array_equal(np.sort(in_series.patient), np.sort(alone.patient))
    of_alone, of_series = (roc_auc_score(j.label, j.probability) for j in (alone, in_series))
    assert of_series > of_alone + 0.01


def test_without_context_slices_stay_as_they_are(held_out: tuple[HeldOut, np.ndarray]) -> None:
    recipe = RECIPE.model_copy(update={"slice_context": False})
    alone, _ = judge_across_folds(*held_out, recipe)
    in_series = judge_in_series_across_folds(*held_out, recipe)
    np.testing.assert_allclose(in_series.probability, alone.probability)
