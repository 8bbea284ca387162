"""The fit of the suitability check: which statistic, which way up, and what a finished model makes of strangers."""

from pathlib import Path

import numpy as np
from tests.trainer.drawn_patients import draw_patient, write_dataset
from tests.trainer.small_model import manifest, model  # noqa: F401
from typer.testing import CliRunner

from ictus.imaging.phantom import head_mr, write_dicom_series
from ictus.model.manifest import ModelDirectory, load_model_directory
from ictus.model.preprocess import HeadCrop
from ictus.model.suitability import embedding_faults, embedding_novelty, likeness_scores, load_statistics
from trainer.cli import app
from trainer.data import load_dataset
from trainer.evaluation.suitability import measure_suitability, pictures_of_scans
from trainer.evaluation.unsuitable import carried_pictures, drawn_pictures
from trainer.orientation_fit import drawn_traits, fit_upright, joined, judge_upright, slice_traits
from trainer.recipe import Recipe
from trainer.stranger_fit import fit_likeness
from trainer.suitability_fit import Heads, choose_statistic, write_statistics
from trainer.suitability_refit import as_exported, refit_suitability

FEATURES = 40
RECIPE = Recipe(suitability_components=8, suitability_refused=0.02)


def directions(middle: np.ndarray, spread: float, count: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(count, FEATURES))
    return (middle + spread * noise).astype(np.float32)


def test_both_statistics_are_compared_and_the_wider_margin_wins(tmp_path: Path) -> None:
    axis = np.eye(FEATURES)
    # Two groups: what lies between them is like neither, though it is like their mean.
    along = np.random.default_rng(0).normal(size=(300, 2)) @ axis[3:5]
    side = np.repeat([-5.0, 5.0], 150)[:, np.newaxis] * axis[0]
    plain = (directions(axis[2] * 10, 0.1, 300, 1) + side + 2 * along).astype(np.float32)
    drawn = directions(axis[2] * 10, 0.1, 40, 3)
    folds = np.tile(np.arange(5), 60)
    statistics, limits = choose_statistic(Heads(plain, folds), Heads(plain + 0.01, folds), drawn, RECIPE)
    assert limits.statistic == "nearest"
    by_name = {one.statistic: one for one in limits.compared}
    assert by_name["nearest"].drawn_refused == 1
    assert by_name["mahalanobis"].drawn_refused < 1
    assert all(max(one.refused, one.refused_changed) <= 0.021 for one in limits.compared)
    write_statistics(statistics, tmp_path / limits.statistics_file)
    read = load_statistics(tmp_path, limits)
    assert all(embedding_faults(embedding_novelty(drawn, read, limits)))
    assert (
        np.mean([fault is not None for fault in embedding_faults(embedding_novelty(plain, read, limits))])
        < 0.1
    )


def test_mahalanobis_survives_being_written_and_counts_deviations(tmp_path: Path) -> None:
    axis = np.eye(FEATURES)
    scale = np.linspace(1, 0.05, FEATURES)  # strangers differ where slices hardly do
    plain = axis[0] * 8 + directions(np.zeros(FEATURES), 1, 400, 4) * scale
    plain = plain.astype(np.float32)
    drawn = (directions(axis[0] * 8, 0.2, 40, 5) * np.where(axis[0], 1, scale) + 2 * axis[-1]).astype(
        np.float32
    )
    recipe = RECIPE.model_copy(update={"suitability_components": FEATURES - 1})
    heads_as_they_are = Heads(plain, np.tile(np.arange(4), 100))
    statistics, limits = choose_statistic(heads_as_they_are, heads_as_they_are, drawn, recipe)
    assert (limits.statistic, limits.neighbour) == ("mahalanobis", 1)
    write_statistics(statistics, tmp_path / limits.statistics_file)
    read = load_statistics(tmp_path, limits)
    np.testing.assert_allclose(read.distances(drawn, 1), statistics.distances(drawn, 1))
    assert read.upright is None


def test_patients_kept_aside_shape_the_limit_but_not_the_statistics() -> None:
    axis = np.eye(FEATURES)
    plain = directions(axis[0] * 5, 0.1, 200, 6)
    folds = np.tile(np.arange(4), 50)
    folds[:40] = -1
    aside = plain.copy()
    aside[:40] = directions(axis[0] * 5 + axis[3], 0.1, 40, 7)
    drawn = directions(-axis[0], 0.1, 20, 8)
    without, narrow = choose_statistic(Heads(plain, folds), Heads(plain, folds), drawn, RECIPE)
    again, wide = choose_statistic(Heads(aside, folds), Heads(aside[40:], folds[40:]), drawn, RECIPE)
    np.testing.assert_array_equal(again.mean, without.mean)
    assert wide.maximum_distance > narrow.maximum_distance


def test_strangers_that_lie_as_near_as_heads_are_told_by_the_line() -> None:
    axis = np.eye(FEATURES)
    plain = directions(axis[0] * 8, 0.3, 300, 9)
    near = directions(axis[0] * 8 + 0.9 * axis[5], 0.1, 60, 10)  # nearer to the middle than many heads
    folds = np.tile(np.arange(-1, 4), 60)
    kinds = [("film", "photograph")[number % 2] for number in range(60)]
    as_they_are, exported = Heads(plain, folds), Heads(plain + 0.01, folds)
    drawn = directions(axis[0] * 8 + 0.9 * axis[7], 0.1, 30, 13)  # heads of another make, to be answered
    line, limits = fit_likeness(as_they_are, exported, drawn, near, kinds, 0.02, 0)
    assert (likeness_scores(drawn, line) >= limits.minimum_score).all()
    assert limits.kinds == ("film", "photograph")
    assert max(limits.refused, limits.refused_changed) <= 0.021
    assert limits.strangers_refused > 0.9
    unseen = directions(axis[0] * 8 + 0.9 * axis[5], 0.1, 60, 11)
    assert (likeness_scores(unseen, line) < limits.minimum_score).mean() > 0.9
    assert (likeness_scores(directions(axis[0] * 8, 0.3, 60, 12), line) < limits.minimum_score).mean() < 0.1


def heads(patients: range) -> np.ndarray:
    pictures = [picture for patient in patients for picture in draw_patient(patient, 7)[2:6]]
    changed = [as_exported(picture, str(number), 0) for number, picture in enumerate(pictures)]
    return np.stack([slice_traits(pictures, HeadCrop()), slice_traits(changed, HeadCrop())], axis=1)


def test_heads_upside_down_are_told_from_upright_ones_of_other_patients() -> None:
    fitted = fit_upright(joined(heads(range(20)), drawn_traits(HeadCrop())[:8]), 0)
    others = joined(heads(range(100, 108)), drawn_traits(HeadCrop())[:0])
    evidence = fitted.evidence(others)
    assert (evidence > 0).mean() > 0.9
    np.testing.assert_allclose(fitted.evidence(others[:, ::-1]), -evidence, atol=1e-5)


def test_the_limit_refuses_the_share_of_upright_slices_it_may() -> None:
    patients = np.repeat(np.arange(20), 4)
    limits = judge_upright(heads(range(20)), drawn_traits(HeadCrop())[:8], patients, patients % 5, 0.05, 0)
    assert limits.upright_refused <= 0.051
    assert limits.turned_refused > 0.5
    assert limits.upright_series_refused <= 0.051
    assert limits.turned_series_refused >= 0.9


def test_the_same_seed_draws_the_same_strangers() -> None:
    first, again, other = (list(drawn_pictures(seed, copies=1)) for seed in (3, 3, 4))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, other, strict=True))
    assert {"noise", "gradient", "text", "blank", "ring", "chart", "turned phantom"} <= {
        p.kind for p in first
    }


def test_packages_carry_pictures_in_colour_in_grey_and_from_dicom() -> None:
    kinds = [picture.kind for picture in carried_pictures()]
    assert kinds.count("carried, colour") >= 8
    assert kinds.count("carried, grey") >= 60
    assert kinds.count("carried, DICOM") >= 5


def test_what_the_check_may_learn_from_shares_no_picture_with_what_it_is_measured_on() -> None:
    carried = list(carried_pictures())
    learned = {picture.name.split(" ")[0] for picture in carried if picture.is_for_development}
    measured = {picture.name.split(" ")[0] for picture in carried if not picture.is_for_development}
    assert len(learned) > 15
    assert len(measured) > 15
    assert not learned & measured


def test_scans_become_pictures_of_a_few_slices_each(tmp_path: Path) -> None:
    write_dicom_series(head_mr(24, 96), tmp_path)
    (tmp_path / "notes.txt").write_text("no scan")
    pictures = list(pictures_of_scans(tmp_path, most=5))
    assert [picture.kind for picture in pictures] == [tmp_path.name] * 5
    assert all(picture.pixels.dtype == np.uint8 and picture.pixels.any() for picture in pictures)


def test_a_refitted_model_is_complete_and_asked_about_everything(
    model: ModelDirectory,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder = write_dataset(tmp_path / "data", patients=20)
    dataset = load_dataset(folder)
    recipe = Recipe(suitability_components=8, suitability_refused=0.02, test_share=0.2)
    cache = tmp_path / "cache"
    fitted = refit_suitability(model, dataset, recipe, 100, lambda _: None, cache=cache)
    assert load_model_directory(model.path).sha256 == fitted.sha256
    suitability = fitted.manifest.suitability
    assert suitability.embedding is not None
    assert suitability.orientation is not None
    assert len(suitability.embedding.compared) == 2
    assert suitability.embedding.likeness is not None
    statistics = load_statistics(fitted.path, suitability.embedding)
    assert statistics.upright is not None
    assert statistics.likeness is not None
    kept = [np.load(path) for path in cache.rglob("*.npy")]
    assert len(kept) > 200  # slices, exported slices and strangers
    assert len({row.shape for row in kept}) == 1
    report = measure_suitability(fitted, dataset, np.arange(3), list(drawn_pictures(1, copies=1))[:13], 0)
    assert {row.pictures for row in report.head_ct} == {3}
    coloured = next(row for row in report.to_refuse if row.kind == "coloured head")
    assert coloured.unsuitable == coloured.pictures
    assert [row.kind for row in report.turned] == ["turned head"]


def test_the_command_needs_data_to_fit_and_a_dry_run_changes_nothing(
    model: ModelDirectory,  # noqa: F811
) -> None:
    before = model.sha256
    refused = CliRunner().invoke(app, ["suitability", str(model.path), "--fit"])
    assert refused.exit_code == 2
    dry = CliRunner().invoke(app, ["suitability", str(model.path), "--dry-run"])
    assert dry.exit_code == 0
    assert load_model_directory(model.path).sha256 == before
