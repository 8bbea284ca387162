"""Splits that keep each patient on one side."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from trainer.data.dataset import Dataset


def patient_folds(dataset: Dataset, folds: int, seed: int) -> NDArray[np.int64]:
    """(n,) the fold that each slice is held out in; no patient is in two, stroke shares are alike."""
    assigned = np.full(len(dataset.slices), -1, dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    placeholder = np.zeros((len(dataset.slices), 1))
    for fold, (_, held_out) in enumerate(splitter.split(placeholder, dataset.labels, dataset.patients)):
        assigned[held_out] = fold
    return assigned
