"""Labelled slices, and their split by patient.

A data set is a folder with a CSV whose columns are ``file`` (relative to the CSV), ``patient``, ``slice_no``
and ``slice_ich`` (1, 0, or blank for an unresolved label: that slice is left out).
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.manifest import file_sha256

LABELS_FILE: Final = "slice_labels.csv"


class DatasetError(ValueError):
    """The folder is not a data set that can be trained on."""


@dataclass(frozen=True)
class LabelledSlice:
    """One picture with its truth; ``sha256`` is of the file."""

    path: Path
    patient: str
    number: int
    is_stroke: bool
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """Labelled slices in a fixed order: by patient, then by slice number.

    Attributes:
        name: the folder's name.
        slices: the examples.
        sha256: digest of every file's digest, patient, number and label: the version of the data.
    """

    name: str
    slices: tuple[LabelledSlice, ...]
    sha256: str

    @property
    def labels(self) -> NDArray[np.bool_]:
        """(n,) whether each slice shows a stroke."""
        return np.array([s.is_stroke for s in self.slices])

    @property
    def patients(self) -> NDArray[np.str_]:
        """(n,) the patient of each slice."""
        return np.array([s.patient for s in self.slices])


def load_dataset(folder: Path) -> Dataset:
    """Read a folder with its ``slice_labels.csv``.

    Raises:
        DatasetError: the CSV or a picture is missing, or nothing is labelled.
    """
    table = folder / LABELS_FILE
    if not table.is_file():
        raise DatasetError(f"{folder} has no {LABELS_FILE}.")
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["slice_ich"].strip()]
    if not rows:
        raise DatasetError(f"{table} labels nothing.")
    missing = [row["file"] for row in rows if not (folder / row["file"]).is_file()]
    if missing:
        raise DatasetError(f"{len(missing)} pictures of {table} are missing, the first is {missing[0]}.")
    slices = sorted(
        (
            LabelledSlice(
                path=folder / row["file"],
                patient=row["patient"],
                number=int(row["slice_no"]),
                is_stroke=row["slice_ich"].strip() == "1",
                sha256=file_sha256(folder / row["file"]),
            )
            for row in rows
        ),
        key=lambda s: (s.patient, s.number),
    )
    digest = hashlib.sha256()
    for s in slices:
        digest.update(f"{s.sha256} {s.patient} {s.number} {int(s.is_stroke)}\n".encode())
    return Dataset(folder.name, tuple(slices), digest.hexdigest())


def patient_folds(dataset: Dataset, folds: int, seed: int) -> NDArray[np.int64]:
    """(n,) the fold that each slice is held out in; no patient is in two, stroke shares are alike."""
    assigned = np.full(len(dataset.slices), -1, dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    placeholder = np.zeros((len(dataset.slices), 1))
    for fold, (_, held_out) in enumerate(splitter.split(placeholder, dataset.labels, dataset.patients)):
        assigned[held_out] = fold
    return assigned


def read_picture(path: Path) -> Volume:
    """A picture of a CT slice as a one-slice volume in display units.

    Raises:
        DatasetError: the file cannot be decoded.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise DatasetError(f"{path} cannot be decoded.")
    source = SourceFormat.PNG if path.suffix.lower() == ".png" else SourceFormat.JPEG
    voxels = np.asarray(picture, dtype=np.uint8)[np.newaxis]
    return Volume(voxels, Modality.CT, source, VoxelUnits.DISPLAY)
