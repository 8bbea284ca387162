"""Labelled slices and what is known of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import TrainerError


class DatasetError(TrainerError):
    """This is not a data set that can be trained on."""


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
