import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.trainer.drawn_patients import draw_patient
from typer.testing import CliRunner

from ictus.model.harmonise import Harmonise
from ictus.model.preprocess import PreprocessParams, prepare
from trainer.cli import app
from trainer.data import Dataset, LabelledSlice, load_dataset, patient_folds, read_picture
from trainer.data.control import calm_half_mirrored
from trainer.data.given import pictures_given
from trainer.data.groups import CONTINUES, group_patients
from trainer.data.leakage import find_leaks
from trainer.data.load import file_digests
from trainer.data.manifest import LabelLevel
from trainer.data.shortcuts import measure_shortcuts
from trainer.data.traits import BORDERS, BRAIN_BLANKED, GREY_LEVELS

Picture = NDArray[np.uint8]


def dataset_of(folder: Path, stated: list[tuple[str, int, bool, Picture]]) -> Dataset:
    """Examples of (stated patient, number, stroke, picture)."""
    slices = []
    for patient, number, stroke, picture in stated:
        path = folder / f"{patient}-{number}.png"
        cv2.imwrite(str(path), picture)
        slices.append(LabelledSlice(path, patient, number, stroke, file_digests([path])[0]))
    return Dataset("drawn", tuple(slices), "drawn", label_level=LabelLevel.PATIENT)


def blurred(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), dtype=np.uint8)


@pytest.fixture(scope="module")
def heads() -> list[Picture]:
    return [draw_patient(seed, 1)[0] for seed in range(8)]


def test_a_picture_that_comes_twice_joins_patients_and_those_joined_to_them(
    heads: list[Picture], tmp_path: Path
) -> None:
    stated = [
        ("a", 10, True, heads[0]),
        ("b", 20, True, blurred(heads[0])),
        ("b", 30, True, heads[1]),
        ("c", 40, True, blurred(heads[1])),
        ("d", 50, True, heads[2]),
    ]
    found = group_patients(dataset_of(tmp_path, stated))
    assert list(found.groups) == ["a", "a", "a", "a", "d"]
    assert (found.by_duplicates, found.by_runs) == (2, 0)
    assert not found.torn.any()


def test_grouped_patients_leak_nothing_across_folds(heads: list[Picture], tmp_path: Path) -> None:
    stated = [(f"p{i}", 10 * i, i % 2 == 1, head) for i, head in enumerate(heads)]
    stated += [(f"q{i}", 200 + 10 * i, i % 2 == 1, blurred(head)) for i, head in enumerate(heads)]
    guessed = dataset_of(tmp_path, stated)
    folds = np.array([f"{fold}" for fold in patient_folds(guessed, 2, seed=1)])
    assert any(leak.stops for leak in find_leaks(guessed, folds))
    groups = group_patients(guessed).groups
    slices = tuple(replace(s, patient=str(g)) for s, g in zip(guessed.slices, groups, strict=True))
    joined = replace(guessed, slices=slices)
    folds = np.array([f"{fold}" for fold in patient_folds(joined, 2, seed=1)])
    assert find_leaks(joined, folds) == ()


def test_numbers_that_run_on_join_patients_when_their_pictures_continue(
    heads: list[Picture], tmp_path: Path
) -> None:
    further = np.array([[0.98, 0, 1], [0, 0.97, 2]], np.float32)
    next_slice = np.asarray(cv2.warpAffine(heads[0], further, (96, 96)), np.uint8)
    flat, moved = (p.astype(np.float32).ravel() for p in (heads[0], next_slice))
    assert CONTINUES < np.corrcoef(flat, moved)[0, 1] < 0.975
    stated = [("a", 1, True, heads[0]), ("b", 2, True, next_slice), ("c", 3, True, heads[3])]
    found = group_patients(dataset_of(tmp_path, stated))
    assert list(found.groups) == ["a", "a", "c"]
    assert (found.by_duplicates, found.by_runs) == (0, 1)
    apart = [("a", 1, True, heads[0]), ("b", 7, True, next_slice)]
    assert list(group_patients(dataset_of(tmp_path, apart)).groups) == ["a", "b"]


def test_import_joins_and_leaves_out_whom_both_labels_claim(heads: list[Picture], tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    stated = [("a", 1, heads[0]), ("b", 0, blurred(heads[0])), ("c", 1, heads[1]), ("d", 0, heads[2])]
    stated += [("e", 1, blurred(heads[1]))]
    rows = [["file", "patient", "slice_no", "slice_ich", "sequence"]]
    for number, (patient, stroke, picture) in enumerate(stated):
        cv2.imwrite(str(source / f"{patient}.png"), picture)
        rows.append(
            [f"{patient}.png", patient, str(10 * number), str(stroke), "DWI" if number % 2 else "ADC"]
        )
    with (source / "slice_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    told = ["import", str(source), str(tmp_path / "v1"), "--version", "1", "--source", "a test"]
    told += ["--licence", "Apache-2.0", "--label-level", "patient", "--join-patients"]
    result = CliRunner().invoke(app, [*told, "--series-column", "sequence"])
    assert result.exit_code == 0, result.output
    assert "left out: 2 (their patient has both labels)" in result.output
    dataset = load_dataset(tmp_path / "v1")
    assert [(s.path.stem, s.patient, s.series) for s in dataset.slices] == [
        ("c", "c", 0),
        ("e", "c", 0),
        ("d", "d", 1),
    ]


def diffusion(seed: int, *, brighter: bool) -> Picture:
    """A head with a grain of its own, exported brighter and sharper or not."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((144, 144), np.float32)
    axes = (int(rng.integers(46, 54)), int(rng.integers(56, 64)))
    cv2.ellipse(picture, (72, 72), axes, 0, 0, 360, 90, cv2.FILLED)
    picture += np.where(picture > 0, cv2.GaussianBlur(rng.normal(0, 60, picture.shape), (0, 0), 2.5), 0)
    if brighter:
        return np.clip(picture * 1.5 + (picture > 0) * 20, 0, 255).astype(np.uint8)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0), 0, 255).astype(np.uint8)


def test_levelled_pictures_do_not_tell_the_export(tmp_path: Path) -> None:
    stated = [(f"p{i:02}", i, i % 2 == 1, diffusion(i, brighter=i % 2 == 1)) for i in range(60)]
    dataset = dataset_of(tmp_path, stated)
    folds = patient_folds(dataset, 3, seed=1)
    raw = {b.name: b.figure.auc for b in measure_shortcuts(dataset, folds, 1)}
    assert raw[GREY_LEVELS] > 0.95
    given = pictures_given(PreprocessParams(size=128, harmonise=Harmonise()))
    assert given(dataset.slices[0]).shape == (3, 128, 128)
    levelled = {b.name: b for b in measure_shortcuts(dataset, folds, 1, given)}
    for name in (GREY_LEVELS, BORDERS, BRAIN_BLANKED):
        assert levelled[name].verdict != "shortcut"
        assert levelled[name].figure.auc < 0.75


def test_given_pictures_are_what_the_network_is_given(tmp_path: Path) -> None:
    params = PreprocessParams(size=128, harmonise=Harmonise())
    dataset = dataset_of(tmp_path, [("a", 1, True, diffusion(1, brighter=False))])
    shown = pictures_given(params)(dataset.slices[0]).astype(np.float32) / 255
    mean, deviation = (np.array(v, np.float32)[:, None, None] for v in (params.mean, params.deviation))
    pixels = prepare(read_picture(dataset.slices[0].path), params).pixels[0]
    np.testing.assert_allclose((shown - mean) / deviation, pixels, atol=1e-5)


@pytest.mark.parametrize("column", [50, 94])
def test_control_has_no_lesion_on_either_side(column: int) -> None:
    picture = diffusion(3, brighter=False)
    cv2.circle(picture, (column, 60), 7, 250, cv2.FILLED)
    control = calm_half_mirrored(picture)
    assert picture[60, column] == 250
    assert control[55:66, 40:105].max() < 200
    inside = slice(30, 115)
    np.testing.assert_allclose(
        control[30:115, inside].astype(float), control[30:115, inside][:, ::-1].astype(float), atol=60
    )
    assert np.abs(control[:, 73:115].astype(float) - control[:, 29:71][:, ::-1]).mean() < 12
