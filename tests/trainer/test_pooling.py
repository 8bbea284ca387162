from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ictus.model.harmonise import Harmonise
from ictus.model.manifest import Architecture
from ictus.model.preprocess import PreprocessParams
from trainer.data import Dataset, DatasetError, LabelledSlice, patient_folds
from trainer.data.load import file_digests
from trainer.data.manifest import LabelLevel
from trainer.evaluation.held_out_maps import draw_held_out_maps
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.training.patient_level import WHOLE, judge_series
from trainer.training.pooling import Bags, fit_pooled, judge_patients, patient_auc
from trainer.training.pooling_params import Pooling, PoolingParams
from trainer.training.slice_maps import keep_maps, spread_slices

HEAD = Architecture(hidden=16, dropout=0.2)
FEATURES = 24


def bags_of(patients: int = 60, slices: int = 5, seed: int = 0) -> Bags:
    """Every second patient has a stroke, and one of its slices shows it: a shift along one direction."""
    rng = np.random.default_rng(seed)
    embedding = rng.normal(size=(patients * slices, FEATURES)).astype(np.float32)
    patient = np.repeat(np.arange(patients), slices)
    stroke = patient % 2 == 1
    embedding[(np.arange(len(patient)) % slices == 2) & stroke, :6] += 3.0
    return Bags(embedding, np.array([f"p{number:02}" for number in patient]), stroke)


def folds_of(bags: Bags) -> np.ndarray:
    return np.array([int(name[1:]) // 2 % 3 for name in bags.patients])


@pytest.mark.parametrize("pooling", Pooling)
def test_a_slice_is_found_though_only_its_patient_is_labelled(pooling: Pooling) -> None:
    bags = bags_of()
    params = PoolingParams(pooling=pooling, top=1, heads=1)
    said = judge_patients(bags, folds_of(bags), HEAD, (0, FEATURES), params, seed=1)
    auc = patient_auc(said.patients, bags, seed=1)
    assert auc.value is not None
    assert auc.low is not None
    assert auc.value > 0.9
    assert 0.8 < auc.low <= auc.value
    shown = said.slices.reshape(-1, 5)[1::2].argmax(axis=1)
    assert (shown == 2).mean() > 0.8


def test_heads_know_nothing_of_the_patients_they_judge() -> None:
    bags = bags_of(seed=3)
    wrong = replace(
        bags,
        labels=np.isin(bags.patients, np.random.default_rng(2).permutation(np.unique(bags.patients))[:30]),
    )
    said = judge_patients(wrong, folds_of(wrong), HEAD, (0, FEATURES), PoolingParams(heads=1), seed=1)
    auc = patient_auc(said.patients, wrong, seed=1).value
    assert auc is not None
    assert 0.25 < auc < 0.75


def test_the_same_seed_fits_the_same_head() -> None:
    bags, params = bags_of(patients=12), PoolingParams(epochs=3)
    one, same, other = (
        fit_pooled(bags, HEAD, (0, FEATURES), params, seed).state_dict()["head.dense.weight"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("count", "chosen"), [(2, [0, 1]), (10, [2, 4, 7])])
def test_slices_are_spread_over_a_series(count: int, chosen: list[int]) -> None:
    slices = tuple(LabelledSlice(Path(f"{n}.png"), "a", n, True, f"{n}") for n in range(count))
    assert list(spread_slices(Dataset("drawn", slices, "drawn"), 3)) == chosen


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Twenty-four heads with two series of four slices; every second one has a bright spot on series 1."""
    folder = tmp_path_factory.mktemp("scans")
    slices = []
    for patient in range(24):
        for series in range(2):
            for number in range(WHOLE):
                rng = np.random.default_rng([patient, series, number])
                picture = np.zeros((96, 96), np.float32)
                cv2.ellipse(picture, (48, 48), (32, 40), 0, 0, 360, 100, cv2.FILLED)
                picture += np.where(
                    picture > 0, cv2.GaussianBlur(rng.normal(0, 40, picture.shape), (0, 0), 2), 0
                )
                if patient % 2 and series == 1:
                    cv2.circle(picture, (34, 40), 8, 250, cv2.FILLED)
                path = folder / f"{patient}-{series}-{number}.png"
                cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))
                digest = file_digests([path])[0]
                slices.append(LabelledSlice(path, f"p{patient:02}", number, patient % 2 == 1, digest, series))
    return Dataset("scans", tuple(slices), "scans", label_level=LabelLevel.PATIENT)


def test_series_are_judged_together_and_alone_and_their_maps_drawn(
    scans: Dataset, architecture: Architecture, pretrained_folder: Path, tmp_path: Path
) -> None:
    recipe = Recipe(
        architecture=architecture,
        preprocess=PreprocessParams(size=96, harmonise=Harmonise(jitter=0.05)),
        folds=3,
    )
    folds = patient_folds(scans, recipe.folds, recipe.seed)
    params = PoolingParams(heads=1)
    judged = judge_series(scans, folds, recipe, params, 2, pretrained_folder, tmp_path)
    assert [(one.name, len(one.rows), one.whole) for one in judged] == [
        ("all", 96, (24, 12)), ("0", 48, (24, 12)), ("1", 48, (24, 12)),
    ]  # fmt: skip
    assert all(np.all(one.scores.patients != 0) and np.all(one.scores.slices != 0) for one in judged)
    assert judged[2].auc == judged[2].whole_auc  # every patient has a whole series
    sheet = draw_held_out_maps(judged[2], scans, recipe, tmp_path / "maps" / "sheet.png")
    with Image.open(sheet) as picture:
        assert np.asarray(picture.convert("RGB")).std(axis=2).max() > 20


def test_kept_maps_are_read_again(scans: Dataset, network: HybridNetwork, tmp_path: Path) -> None:
    rows = np.arange(3)
    first = np.array(keep_maps(scans, rows, network, PreprocessParams(size=64), tmp_path))
    (file,) = (tmp_path / "maps").glob("*.npy")
    np.save(file, np.zeros_like(first))
    assert not keep_maps(scans, rows, network, PreprocessParams(size=64), tmp_path).any()
    assert keep_maps(scans, rows, network, PreprocessParams(size=96), tmp_path).shape[-1] == 3


def test_labels_of_slices_are_not_pooled(scans: Dataset, tmp_path: Path) -> None:
    labelled = replace(scans, label_level=LabelLevel.SLICE)
    with pytest.raises(DatasetError, match="labels of patients"):
        judge_series(
            labelled, np.zeros(len(labelled.slices), np.int64), Recipe(), PoolingParams(), 2, None, tmp_path
        )
