from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.trainer.drawn_patients import draw_patient

from trainer.data import Dataset, LabelledSlice, load_dataset, patient_folds
from trainer.data.leakage import FROZEN, LeakKind, find_leaks
from trainer.data.load import file_digests

PATIENTS = 8


def written(folder: Path, pictures: list[tuple[str, NDArray[np.uint8]]], name: str = "drawn") -> Dataset:
    """A data set of (patient, picture); every second patient has a stroke."""
    folder.mkdir(parents=True, exist_ok=True)
    slices = []
    for number, (patient, picture) in enumerate(pictures):
        path = folder / f"{name}-{number}.png"
        cv2.imwrite(str(path), picture)
        stroke = int(patient) % 2 == 1
        slices.append(LabelledSlice(path, patient, number, stroke, file_digests([path])[0]))
    return Dataset(name, tuple(slices), name, patient_namespace="drawn")


@pytest.fixture(scope="module")
def heads() -> list[tuple[str, NDArray[np.uint8]]]:
    return [(str(patient), picture) for patient in range(PATIENTS) for picture in draw_patient(patient, 3)]


def parts_by_patient(dataset: Dataset) -> NDArray[np.str_]:
    return np.array([f"fold {fold}" for fold in patient_folds(dataset, 2, seed=0)])


def alternating(dataset: Dataset) -> NDArray[np.str_]:
    """Every second patient in each part: patients 0 and 1 are apart."""
    return np.array([f"part {int(s.patient) % 2}" for s in dataset.slices])


def found_pairs(dataset: Dataset) -> dict[tuple[int, int], tuple[LeakKind, bool]]:
    leaks = find_leaks(dataset, alternating(dataset))
    return {(leak.first, leak.second): (leak.kind, leak.stops) for leak in leaks}


def test_different_heads_and_neighbouring_slices_are_no_finding(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path, heads)
    assert find_leaks(dataset, parts_by_patient(dataset)) == ()


def test_split_of_slices_leaks_patients(heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path) -> None:
    dataset = written(tmp_path, heads)
    parts = np.array(["train" if number % 3 else "test" for number in range(len(heads))])
    leaks = find_leaks(dataset, parts)
    shared = [leak for leak in leaks if leak.kind is LeakKind.SAME_PATIENT]
    assert len(shared) == PATIENTS
    assert all(leak.stops for leak in shared)


COPIES = {
    "re-encoded": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0),
    "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=1.1, beta=8),
    "blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 0.7),
}


@pytest.mark.parametrize("how", COPIES)
def test_copy_under_another_pseudonym_is_a_near_duplicate(
    how: str, heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path, [*heads, ("1", COPIES[how](heads[0][1]))])
    pairs = found_pairs(dataset)
    assert pairs[0, len(heads)] == (LeakKind.NEAR, True)
    assert {first for first, _ in pairs} <= {0, 1, 2}  # the neighbours of the copied slice may look like it


def test_same_file_under_another_pseudonym_is_exact(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path, [*heads, ("1", heads[0][1])])
    assert found_pairs(dataset)[0, len(heads)] == (LeakKind.EXACT, True)


def test_duplicate_within_one_part_is_told_and_does_not_stop(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path, [*heads, ("2", heads[0][1])])
    pairs = found_pairs(dataset)
    assert pairs[0, len(heads)] == (LeakKind.EXACT, False)
    assert not any(stops for _, stops in pairs.values())


def test_one_picture_with_two_labels_is_told(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path, [*heads, ("1", heads[0][1]), ("2", heads[0][1])])
    agree = {
        leak.second: leak.labels_agree
        for leak in find_leaks(dataset, alternating(dataset))
        if leak.first == 0
    }
    assert agree == {len(heads): False, len(heads) + 1: True}


def test_nothing_of_a_frozen_test_set_may_be_trained_on(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path / "own", heads[:12])
    strangers = written(tmp_path / "strangers", heads[12:], "strangers")
    assert find_leaks(dataset, parts_by_patient(dataset), strangers) == ()

    copied = written(tmp_path / "copied", [("6", COPIES["re-encoded"](heads[4][1])), heads[23]], "copied")
    leaks = find_leaks(dataset, parts_by_patient(dataset), copied)
    assert all(leak.stops and leak.parts[1] == FROZEN for leak in leaks)
    assert (LeakKind.NEAR, 4, 0) in {(leak.kind, leak.first, leak.second) for leak in leaks}


def test_pseudonyms_are_compared_only_within_their_namespace(
    heads: list[tuple[str, NDArray[np.uint8]]], tmp_path: Path
) -> None:
    dataset = written(tmp_path / "own", heads[:12])
    frozen = written(tmp_path / "frozen", [("0", heads[21][1]), ("7", heads[22][1])], "frozen")
    (leak,) = find_leaks(dataset, parts_by_patient(dataset), frozen)
    assert (leak.kind, leak.second) == (LeakKind.SAME_PATIENT, 0)
    elsewhere = replace(frozen, patient_namespace="another hospital")
    assert find_leaks(dataset, parts_by_patient(dataset), elsewhere) == ()


@pytest.mark.shared_data
def test_real_heads_of_different_patients_are_not_taken_for_copies(shared_data: Path) -> None:
    dataset = load_dataset(shared_data / "ct-ich")
    part = replace(dataset, slices=dataset.slices[::5])
    assert find_leaks(part, part.patients) == ()
