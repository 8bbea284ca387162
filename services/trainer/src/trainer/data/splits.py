"""Splits that keep each patient on one side."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import Dataset, DatasetError

TRAIN_TEST: Final[Mapping[str, float]] = {"train": 0.8, "test": 0.2}
TRAIN_VALIDATION_TEST: Final[Mapping[str, float]] = {"train": 0.7, "validation": 0.1, "test": 0.2}


def patient_folds(dataset: Dataset, folds: int, seed: int) -> NDArray[np.int64]:
    """(n,) the fold that each slice is held out in; no patient is in two, stroke shares are alike."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 (takes a second to import)

    assigned = np.full(len(dataset.slices), -1, dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    placeholder = np.zeros((len(dataset.slices), 1))
    for fold, (_, held_out) in enumerate(splitter.split(placeholder, dataset.labels, dataset.patients)):
        assigned[held_out] = fold
    return assigned


def patient_parts(dataset: Dataset, shares: Mapping[str, float], seed: int) -> NDArray[np.str_]:
    """(n,) the part that each slice belongs to: a share of the patients with a stroke and of those without.

    Args:
        dataset: what to split.
        shares: name and share of each part, for example ``TRAIN_TEST``; they add up to 1.
        seed: of the draw. The split depends on the patients and their labels, not on the order of slices.

    Raises:
        DatasetError: a part would have no patient with a stroke, or none without.
    """
    part_of: dict[str, str] = {}
    rng = np.random.default_rng(seed)
    stroke = set(dataset.patients[dataset.labels])
    edges = np.cumsum(list(shares.values()))
    if not np.isclose(edges[-1], 1):
        raise ValueError("the shares must add up to 1")
    for stratum in (sorted(stroke), sorted(set(dataset.patients) - stroke)):
        ends = np.rint(edges * len(stratum)).astype(int)
        if np.diff(ends, prepend=0).min() < 1:
            raise DatasetError("There are too few patients for this split.")
        drawn = rng.permutation(stratum)
        for name, patients in zip(shares, np.split(drawn, ends[:-1]), strict=True):
            part_of.update(dict.fromkeys(patients.tolist(), name))
    return np.array([part_of[s.patient] for s in dataset.slices])
