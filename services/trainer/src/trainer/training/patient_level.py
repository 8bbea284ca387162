"""Cross-validation of a task whose labels are of patients: figures for all slices and for each series alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainer.data import Dataset, DatasetError
from trainer.data.manifest import LabelLevel
from trainer.evaluation.bootstrap import Interval
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.training.pooling import Bags, PooledScores, judge_patients, patient_auc
from trainer.training.pooling_params import PoolingParams
from trainer.training.slice_maps import Float16, keep_maps, spread_slices

Int64 = NDArray[np.int64]

WHOLE: Final = 4
"""Slices from which a patient's series counts as one, and not as a picture or two picked by somebody."""


@dataclass(frozen=True)
class SeriesJudged:
    """What held-out heads say of some slices.

    Attributes:
        name: which series of the patients: "all", or its number.
        rows: (m,) positions of the slices in the data set.
        folds: (m,) the fold that each was held out in.
        maps: (m, features, h, w) of these slices.
        bags: what heads learned from.
        scores: what they say.
        auc: of all patients.
        whole_auc: of patients with ``WHOLE`` slices or more of each series looked at; None where they are of one class.
        whole: how many those are, and how many of them have a stroke.
    """

    name: str
    rows: Int64
    folds: Int64
    maps: Float16
    bags: Bags
    scores: PooledScores
    auc: Interval
    whole_auc: Interval | None
    whole: tuple[int, int]


def judge_series(
    dataset: Dataset,
    folds: Int64,
    recipe: Recipe,
    params: PoolingParams,
    most: int,
    pretrained: Path | None,
    cache: Path,
) -> list[SeriesJudged]:
    """Fit heads on MobileNet's frozen features, for each fold on the other folds' patients.

    Args:
        dataset: labelled by patient.
        folds: (n,) the fold that each slice is held out in.
        recipe: preprocessing, architecture and seed are taken from it.
        params: how slices are pooled.
        most: slices of each series that are looked at.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: where maps are kept.

    Returns:
        All slices together, then each series alone, if there are several.

    Raises:
        DatasetError: the labels are of slices, or a picture cannot be decoded.
        PretrainedWeightsError: the ImageNet weights do not fit.
    """
    if dataset.label_level is not LabelLevel.PATIENT:
        raise DatasetError("Labels of this data set are of slices: pooling is for labels of patients.")
    network = HybridNetwork(recipe.architecture, 2)
    network.load_pretrained(pretrained)
    rows = spread_slices(dataset, most)
    maps = keep_maps(dataset, rows, network, recipe.preprocess, cache)
    series = np.array([dataset.slices[row].series for row in rows])
    found = [_judge("all", np.ones(len(rows), np.bool_), rows, maps, dataset, folds, recipe, params)]
    numbers = np.unique(series)
    if len(numbers) > 1:
        found += [
            _judge(str(one), series == one, rows, maps, dataset, folds, recipe, params) for one in numbers
        ]
    return found


def _judge(
    name: str,
    chosen: NDArray[np.bool_],
    rows: Int64,
    maps: Float16,
    dataset: Dataset,
    folds: Int64,
    recipe: Recipe,
    params: PoolingParams,
) -> SeriesJudged:
    rows = rows[chosen]
    shown = maps[chosen]
    embedding = shown.astype(np.float32).mean(axis=(2, 3))
    bags = Bags(embedding, dataset.patients[rows], dataset.labels[rows])
    widths = (0, embedding.shape[1])
    scores = judge_patients(bags, folds[rows], recipe.architecture, widths, params, recipe.seed)
    names, labels = bags.by_patient()
    whole = _whole_patients(dataset, rows, names)
    both = bool(labels[whole].any() and not labels[whole].all())
    return SeriesJudged(
        name=name,
        rows=rows,
        folds=folds[rows],
        maps=shown,
        bags=bags,
        scores=scores,
        auc=patient_auc(scores.patients, bags, recipe.seed),
        whole_auc=patient_auc(scores.patients, bags, recipe.seed, whole) if both else None,
        whole=(int(whole.sum()), int(labels[whole].sum())),
    )


def _whole_patients(dataset: Dataset, rows: Int64, names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(patients,) whether every series among the slices has ``WHOLE`` slices of the patient in the data set."""
    wanted = {dataset.slices[row].series for row in rows}
    count: dict[tuple[str, int], int] = {}
    for one in dataset.slices:
        count[one.patient, one.series] = count.get((one.patient, one.series), 0) + 1
    return np.array([all(count.get((str(name), one), 0) >= WHOLE for one in wanted) for name in names])
