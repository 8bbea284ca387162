from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from trainer.calibrate import HeldOut, Judged
from trainer.data import Dataset, DatasetError, patient_folds
from trainer.evaluation import EvaluationError, weighted
from trainer.evaluation.bootstrap import patient_weights
from trainer.evaluation.compare import out_of_fold
from trainer.evaluation.comparison import Comparison, differences, figures_of, judge_all
from trainer.evaluation.contenders import HYBRID, TITLES, contenders
from trainer.evaluation.leak import folder_labels, show_leak
from trainer.evaluation.learning import learning_curve
from trainer.evaluation.metrics import STATISTICS
from trainer.evaluation.paired import auc_difference, bootstrap_difference, delong, holm
from trainer.evaluation.report import EvaluationReport, report_across_folds
from trainer.evaluation.tables import comparison_table, leak_table
from trainer.evaluation.texture import texture
from trainer.recipe import Recipe
from trainer.training.cross_validation import OutOfFold, write_out_of_fold
from trainer.training.head import FeatureSet

WIDTHS = (6, 4)
PATIENTS, SLICES = 24, 6
RECIPE = Recipe.model_validate(
    {
        "architecture": {"hidden": 8, "fusion_width": 8, "dropout": 0.1},
        "training": {
            "epochs": 12,
            "patience": 4,
            "batch_size": 16,
            "learning_rate": 0.02,
            "weight_decay": 0.01,
        },
        "folds": 3,
        "seed": 4,
    }
)


def scores(
    seed: int, first: float, second: float, alike: float = 0.7
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two models' scores of slices: they share noise, and so do the slices of a patient."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(40), 6)
    label = (patient % 2 == 1) & (np.arange(240) % 6 < 3)
    shared = rng.normal(size=40)[patient] + 0.5 * rng.normal(size=240)
    own = [alike * rng.normal(size=40)[patient] + 0.5 * rng.normal(size=240) for _ in range(2)]
    return first * label + shared + own[0], second * label + shared + own[1], label, patient.astype(str)


def as_judged(score: np.ndarray, label: np.ndarray, patient: np.ndarray) -> Judged:
    limits = np.full(len(score), 0.5)
    return Judged(1 / (1 + np.exp(-score)), label, patient, limits, limits)


def test_one_slice_each_is_delong_s_own_test() -> None:
    """The published formula, written out: covariance of the placements of strokes and of normals."""
    first, second, label, _ = scores(1, 1.2, 0.8)
    value, error = delong(first, second, label, np.arange(len(label)).astype(str))
    placed = []
    for score in (first, second):
        wins = (score[label][:, None] > score[~label]) + 0.5 * (score[label][:, None] == score[~label])
        placed.append((wins.mean(axis=1), wins.mean(axis=0)))
    of_strokes = np.cov(placed[0][0], placed[1][0])
    of_normals = np.cov(placed[0][1], placed[1][1])
    total = of_strokes / label.sum() + of_normals / (~label).sum()
    assert value == pytest.approx(placed[0][0].mean() - placed[1][0].mean())
    assert error == pytest.approx(np.sqrt(total[0, 0] + total[1, 1] - 2 * total[0, 1]))


def test_clustered_error_is_that_of_the_patient_bootstrap() -> None:
    first, second, label, patient = scores(2, 1.2, 0.8)
    _, error = delong(first, second, label, patient)
    _, as_if_independent = delong(first, second, label, np.arange(len(label)).astype(str))
    weights = patient_weights(patient, label, seed=0, resamples=2000)
    resampled = weighted.roc_auc(first, label, weights) - weighted.roc_auc(second, label, weights)
    assert error == pytest.approx(resampled.std(), rel=0.12)
    assert as_if_independent < 0.8 * error


def test_equal_models_differ_once_in_twenty() -> None:
    p = []
    for seed in range(300):
        value, error = delong(*scores(seed, 1, 1))
        p.append(2 * norm.sf(abs(value) / error))
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_difference_that_is_there_is_found_by_both_tests() -> None:
    first, second, label, patient = scores(3, 3.0, 0.3)
    better, worse = as_judged(first, label, patient), as_judged(second, label, patient)
    by_delong = auc_difference("slice", better, worse)
    by_bootstrap = bootstrap_difference("slice", "roc_auc", STATISTICS["roc_auc"], better, worse, seed=0)
    assert by_delong.value == pytest.approx(by_bootstrap.value)
    assert by_delong.low == pytest.approx(by_bootstrap.low, abs=0.03)
    assert by_delong.high == pytest.approx(by_bootstrap.high, abs=0.03)
    assert by_delong.p < 0.001
    assert by_bootstrap.p == pytest.approx(2 / 1001)


def test_model_does_not_differ_from_itself() -> None:
    first, _, label, patient = scores(4, 1, 1)
    judged = as_judged(first, label, patient)
    same = auc_difference("slice", judged, judged)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert bootstrap_difference("slice", "brier", STATISTICS["brier"], judged, judged, seed=0).p == 1


def test_predictions_of_other_examples_are_not_paired() -> None:
    first, second, label, patient = scores(5, 1, 1)
    other = as_judged(second, label, np.roll(patient, 1))
    with pytest.raises(EvaluationError, match="same examples"):
        auc_difference("slice", as_judged(first, label, patient), other)


def test_holm_adjusts_in_the_order_of_p() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1, 1])


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    """The first backbone's features tell strokes; the second's tell whose slice it is."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(PATIENTS), SLICES)
    label = (patient % 2 == 1) & (np.arange(len(patient)) % SLICES < 3)
    of_strokes = rng.normal(size=(len(patient), 6)) + 2.0 * label[:, np.newaxis] * np.array(
        [1, 1, 1, 0, 0, 0]
    )
    of_patients = 3 * rng.normal(size=(PATIENTS, 4))[patient] + 0.1 * rng.normal(size=(len(patient), 4))
    joined = np.concatenate([of_strokes, of_patients], axis=1).astype(np.float32)
    names = np.array([f"{p:02d}" for p in patient])
    return FeatureSet(np.stack([joined, joined], axis=1), label.astype(np.int64), names)


@pytest.fixture(scope="module")
def folds() -> np.ndarray:
    return (np.arange(PATIENTS * SLICES) // SLICES) // 2 % 3


def test_all_contenders_are_judged_on_the_same_folds(features: FeatureSet, folds: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    meaningless = rng.normal(size=(len(folds), 5)).astype(np.float32)
    logits = {name: run() for name, run in contenders(features, meaningless, folds, RECIPE, WIDTHS).items()}
    assert logits.keys() == TITLES.keys()
    label = features.labels == 1
    judged = judge_all(logits, label, features.patients, folds, RECIPE)
    found = tuple(figures_of(name, TITLES[name], judged[name], seed=0) for name in judged)
    area = {
        c.name: next(m.value for m in c.metrics if (m.level, m.name) == ("slice", "roc_auc")) for c in found
    }
    assert min(area[HYBRID], area["resnet"], area["svm-features"], area["forest-features"]) > 0.85
    assert max(area["mobilenet"], area["svm-texture"], area["forest-texture"]) < 0.75

    tested = differences(judged, HYBRID, seed=0)
    assert len(tested) == (len(TITLES) - 1) * 4 * 2
    of_texture = next(d for d in tested if d.contender == "svm-texture" and d.difference.name == "roc_auc")
    assert of_texture.difference.low > 0
    assert of_texture.difference.p <= of_texture.p_adjusted < 0.05

    comparison = Comparison(
        dataset="drawn", dataset_sha256="0" * 64, patients=PATIENTS, slices=len(label), folds=3, seed=0,
        reference=HYBRID, contenders=found, differences=tested, learning_curve=(),
    )  # fmt: skip
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    table = comparison_table(comparison)
    for title in TITLES.values():
        assert table.count(f"| {title} |") == (2 if title == TITLES[HYBRID] else 4)


def test_learning_curve_rises_with_patients(features: FeatureSet, folds: np.ndarray) -> None:
    few, all_of_them = learning_curve(features, folds, RECIPE, WIDTHS, shares=(0.1, 1.0))
    assert few.patients == 2
    assert all_of_them.patients == pytest.approx(PATIENTS * 2 / 3)
    assert few.held_out.value < all_of_them.held_out.value
    assert all_of_them.held_out.value > 0.85


def in_folders(dataset: Dataset, features: FeatureSet) -> Dataset:
    """Slices named after the features' patients, each patient with a stroke wholly in the stroke folder."""
    with_stroke = set(features.patients[features.labels == 1])
    example = dataset.slices[0]
    slices = [
        replace(
            example,
            path=Path("Stroke" if patient in with_stroke else "Normal") / f"{patient} ({number}).png",
            patient=str(patient),
            number=number,
            is_stroke=bool(label),
        )
        for number, (patient, label) in enumerate(zip(features.patients, features.labels, strict=True))
    ]
    return replace(dataset, slices=tuple(slices))


def test_random_split_rewards_knowing_the_patient(phantoms: Dataset, features: FeatureSet) -> None:
    only_whose = features.features.copy()
    only_whose[..., :6] = 0
    wide = RECIPE.architecture.model_copy(update={"hidden": 32, "fusion_width": 32})
    long = RECIPE.training.model_copy(update={"epochs": 40, "patience": 40})
    learns_by_heart = RECIPE.model_copy(update={"architecture": wide, "training": long})
    report = show_leak(in_folders(phantoms, features), only_whose, learns_by_heart, WIDTHS)
    by_protocol = {(row.labels, row.split): row for row in report.rows}
    assert report.folder_stroke_slices == PATIENTS // 2 * SLICES
    assert report.folder_stroke_slices_without_bleed == PATIENTS // 2 * 3
    for labels in ("folder", "drawn by lot for each patient"):
        leaked, honest = by_protocol[labels, "random slices"], by_protocol[labels, "by patient"]
        assert leaked.neighbour_accuracy.value > 0.97
        assert honest.neighbour_accuracy.value < 0.75
        assert leaked.hybrid_roc_auc.value > honest.hybrid_roc_auc.value + 0.15
    assert leak_table(report).count("\n") == len(report.rows) + 2


def test_leak_needs_folders(phantoms: Dataset) -> None:
    with pytest.raises(DatasetError, match="two folders"):
        folder_labels(phantoms)


def test_texture_tells_coarse_from_fine_and_not_its_direction() -> None:
    rng = np.random.default_rng(0)
    fine = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    coarse = np.kron(fine[:16, :16], np.ones((4, 4), dtype=np.uint8))
    assert texture(fine).shape == texture(coarse).shape
    assert np.abs(texture(fine) - texture(coarse)).max() > 10
    stripes = np.tile(np.repeat(np.array([0, 200], dtype=np.uint8), 4), (64, 8))
    np.testing.assert_allclose(
        texture(stripes), texture(np.ascontiguousarray(stripes.T)), rtol=1e-3, atol=1e-3
    )


def test_cross_validation_of_another_recipe_joins_in(phantoms: Dataset, tmp_path: Path) -> None:
    folds = patient_folds(phantoms, 3, seed=0)
    logits = np.random.default_rng(0).normal(size=(len(folds), 2)).astype(np.float32)
    kept = OutOfFold(logits, np.zeros((len(folds), 3), np.float32), folds, (), (), ())
    file = tmp_path / "deeper.safetensors"
    write_out_of_fold(kept, phantoms, file)
    np.testing.assert_array_equal(out_of_fold(file, phantoms, folds), logits)
    with pytest.raises(EvaluationError, match="other folds"):
        out_of_fold(file, phantoms, patient_folds(phantoms, 3, seed=1))
    with pytest.raises(EvaluationError, match="other data"):
        out_of_fold(file, replace(phantoms, sha256="0" * 64), folds)


def test_report_of_a_cross_validation_is_written(
    phantoms: Dataset, phantom_folder: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    logits = np.stack(
        [np.zeros(len(phantoms.labels)), 2 * phantoms.labels + rng.normal(size=len(phantoms.labels))], 1
    )
    said = HeldOut(logits.astype(np.float32), phantoms.labels, phantoms.patients)
    folds = patient_folds(phantoms, 3, seed=0)
    report = report_across_folds(said, folds, phantoms, RECIPE, tmp_path)
    assert EvaluationReport.model_validate_json((tmp_path / "evaluation.json").read_bytes()) == report
    assert report.model_sha256 is None
    costs = [point.specificity.value for point in report.levels[0].operating_points]
    assert costs == sorted(costs, reverse=True)
    assert (tmp_path / "figures" / "roc.svg").is_file()
