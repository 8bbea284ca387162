"""Splits that keep each patient on one side."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
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


def patient_digest(namespace: str, patient: str) -> str:
    """SHA-256 by which a recipe names a patient: a pseudonym does not travel with a model."""
    return hashlib.sha256(f"{namespace} {patient}".encode()).hexdigest()


def read_test_patients(file: Path, dataset: Dataset) -> tuple[str, ...]:
    """Digests of the patients that a text file names, one pseudonym a line.

    Raises:
        DatasetError: the file cannot be read, names nobody, or names a patient that the data set does not have.
    """
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file.name} cannot be read as text, one patient a line.") from error
    if not lines:
        raise DatasetError(f"{file.name} names no patient; it holds one pseudonym a line.")
    strangers = sorted(set(lines) - set(dataset.patients.tolist()))
    if strangers:
        raise DatasetError(
            f"{file.name} names {len(strangers)} patients that {dataset.name} does not have. Use the pseudonyms of its "
            "slices."
        )
    return tuple(sorted(patient_digest(dataset.patient_namespace, patient) for patient in set(lines)))


def members_of(dataset: Dataset, digests: Iterable[str]) -> NDArray[np.bool_]:
    """(n,) whether each slice is of a patient with one of these digests.

    Raises:
        DatasetError: a digest is of nobody here, or one side would have no patient with a stroke, or none without.
    """
    own = {
        patient: patient_digest(dataset.patient_namespace, patient)
        for patient in set(dataset.patients.tolist())
    }
    wanted = set(digests)
    if wanted - set(own.values()):
        raise DatasetError("The frozen test set names patients that this data set does not have.")
    chosen = np.array([own[patient] in wanted for patient in dataset.patients.tolist()])
    stroke = np.isin(dataset.patients, dataset.patients[dataset.labels])
    if not all((side & kind).any() for side in (chosen, ~chosen) for kind in (stroke, ~stroke)):
        raise DatasetError(
            "The frozen test set and the patients that are learned from each need one with a stroke and one without."
        )
    return chosen
