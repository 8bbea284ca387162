"""The leak, shown: why near-100 % results on the folder labels of this data set say nothing about strokes.

The set circulates as two folders of slices, and a slice's folder is a fact about its patient, not about what the
slice shows. Split at random, almost every held-out slice has its neighbours of the same patient in training, so
a model only has to recognise the patient. Each protocol here is the same model and the same code: a protocol is
which labels are learnt and whose slices are kept together.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from tqdm import tqdm

from ictus.model.base import Params
from trainer.data import Dataset, DatasetError
from trainer.evaluation import weighted
from trainer.evaluation.bootstrap import Interval, interval, patient_weights, whole
from trainer.recipe import Recipe
from trainer.training.head import FeatureSet, cross_validate

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_STROKE_FOLDER: Final = "stroke"
_CLASSES: Final = 2


class LeakRow(Params):
    """One protocol's figures, at slice level as they are published.

    ``hybrid_*`` is this project's head on frozen features. ``neighbour_accuracy`` is that of the training slice
    with the most similar embedding, whose label is repeated: no model at all.
    """

    labels: str
    split: str
    hybrid_accuracy: Interval
    hybrid_roc_auc: Interval
    neighbour_accuracy: Interval
    always_normal: float


class LeakReport(Params):
    """``leak.json``: the same model under each protocol."""

    dataset: str
    dataset_sha256: str
    patients: int
    slices: int
    folder_stroke_slices: int
    folder_stroke_slices_without_bleed: int
    bleeding_patients_in_normal_folder: int
    folds: int
    seed: int
    rows: tuple[LeakRow, ...]


def folder_labels(dataset: Dataset) -> Bool:
    """(n,) whether each slice lies in the folder of strokes.

    Raises:
        DatasetError: the pictures do not lie in two folders, one of them called "Stroke".
    """
    folders = [s.path.parent.name.lower() for s in dataset.slices]
    if len(set(folders)) != _CLASSES or _STROKE_FOLDER not in folders:
        raise DatasetError('The leak is shown on pictures in two folders, one of them called "Stroke".')
    return np.array([name == _STROKE_FOLDER for name in folders])


def show_leak(
    dataset: Dataset, features: NDArray[np.float32], recipe: Recipe, widths: tuple[int, int]
) -> LeakReport:
    """Judge the same model under each protocol.

    Args:
        dataset: labelled slices in folders.
        features: (n, views, features) embeddings, [:, 0] of the slices as they are.
        recipe: head, folds and seed.
        widths: features of the ResNet and of the MobileNet.

    Raises:
        DatasetError: the pictures do not lie in folders by label.
        EvaluationError: a labelling holds one class only.
    """
    truth, folders, patients = dataset.labels, folder_labels(dataset), dataset.patients
    alone = np.arange(len(truth)).astype(str)  # a random split: each slice is its own "patient"
    drawn = _drawn_by_lot(patients, folders, recipe.seed)
    protocols = (
        ("folder", folders, "random slices", alone),
        ("folder", folders, "by patient", patients),
        ("drawn by lot for each patient", drawn, "random slices", alone),
        ("drawn by lot for each patient", drawn, "by patient", patients),
        ("slice", truth, "random slices", alone),
        ("slice", truth, "by patient", patients),
    )
    rows = []
    for labels_name, labels, split, kept_together in tqdm(protocols, desc="protocols", unit="protocol"):
        data = FeatureSet(features, labels.astype(np.int64), kept_together)
        folds = _folds(labels, kept_together, recipe)
        logits = cross_validate(data, folds, recipe, widths, _CLASSES)[0].astype(np.float64)
        odds = logits[:, 1] - logits[:, 0]
        nearest = _nearest(features[:, 0], labels, folds)
        weights = patient_weights(patients, labels, recipe.seed)
        rows.append(
            LeakRow(
                labels=labels_name,
                split=split,
                hybrid_accuracy=_share((odds > 0) == labels, weights),
                hybrid_roc_auc=interval(
                    float(weighted.roc_auc(odds, labels, whole(len(labels)))[0]),
                    weighted.roc_auc(odds, labels, weights),
                ),
                neighbour_accuracy=_share(nearest == labels, weights),
                always_normal=float((~labels).mean()),
            )
        )
    bleeding = set(patients[truth])
    return LeakReport(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        patients=len(set(patients)),
        slices=len(truth),
        folder_stroke_slices=int(folders.sum()),
        folder_stroke_slices_without_bleed=int((folders & ~truth).sum()),
        bleeding_patients_in_normal_folder=len(bleeding & set(patients[~folders])),
        folds=recipe.folds,
        seed=recipe.seed,
        rows=tuple(rows),
    )


def _drawn_by_lot(patients: NDArray[np.str_], folders: Bool, seed: int) -> Bool:
    """Labels that mean nothing: as many patients as in the stroke folder, chosen by lot."""
    names = np.unique(patients)
    chosen = np.random.default_rng(seed).permutation(names)[: len(np.unique(patients[folders]))]
    return np.isin(patients, chosen)


def _folds(labels: Bool, kept_together: NDArray[np.str_], recipe: Recipe) -> NDArray[np.int64]:
    splitter = StratifiedGroupKFold(n_splits=recipe.folds, shuffle=True, random_state=recipe.seed)
    folds = np.empty(len(labels), dtype=np.int64)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros((len(labels), 1)), labels, kept_together)):
        folds[held_out] = fold
    return folds


def _nearest(features: NDArray[np.float32], labels: Bool, folds: NDArray[np.int64]) -> Bool:
    """(n,) the label of the most similar training slice."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    found = np.empty(len(labels), dtype=np.bool_)
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        model = KNeighborsClassifier(n_neighbors=1).fit(unit[~held_out], labels[~held_out])
        found[held_out] = model.predict(unit[held_out])
    return found


def _share(right: Bool, weights: Float64) -> Interval:
    everything = np.ones_like(right)
    value = float(weighted.share(right, everything, whole(len(right)))[0])
    return interval(value, weighted.share(right, everything, weights))
