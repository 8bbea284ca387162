"""Labelled slices and what is known of them."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Modality
from trainer.data.manifest import KnownShortcut, LabelLevel
from trainer.errors import TrainerError


class DatasetError(TrainerError):
    """This is not a data set that can be trained on."""


@dataclass(frozen=True)
class LabelledSlice:
    """One picture with its truth; ``sha256`` is of the file. The rest is None or empty where nobody said it.

    Attributes:
        series: which of the patient's series, counted from 0.
        age: whole years, 90 for everybody older.
        sex: DICOM PatientSex (PS3.3 C.7.1.1): F, M or O.
    """

    path: Path
    patient: str
    number: int
    is_stroke: bool
    sha256: str
    series: int = 0
    subtypes: tuple[str, ...] = ()
    age: int | None = None
    sex: str | None = None


@dataclass(frozen=True)
class Dataset:
    """Labelled slices in a fixed order: by patient, then by series and slice number.

    Attributes:
        name: the data set's name; the folder's where there is no manifest.
        slices: the examples.
        sha256: the version of the data: digest of the manifest, or else of every file's digest, patient, number
            and label.
        task: what the labels say, e.g. ``haemorrhage-ct``.
        modality: of every picture.
        label_level: whether a label speaks of its slice or of the whole patient.
        patient_namespace: who gave the pseudonyms; the same pseudonym in two data sets is the same patient only
            when these agree.
        known_shortcuts: what the manifest admits: traits without anatomy that tell its classes apart.
    """

    name: str
    slices: tuple[LabelledSlice, ...]
    sha256: str
    task: str = "haemorrhage-ct"
    modality: Modality = Modality.CT
    label_level: LabelLevel = LabelLevel.SLICE
    patient_namespace: str = ""
    known_shortcuts: tuple[KnownShortcut, ...] = ()

    @property
    def labels(self) -> NDArray[np.bool_]:
        """(n,) whether each slice shows a stroke."""
        return np.array([s.is_stroke for s in self.slices])

    @property
    def patients(self) -> NDArray[np.str_]:
        """(n,) the patient of each slice."""
        return np.array([s.patient for s in self.slices])

    def part(self, rows: NDArray[np.bool_], name: str) -> "Dataset":
        """Some slices as a data set of their own: (n,) which, and what they are called."""
        chosen = tuple(s for s, kept in zip(self.slices, rows, strict=True) if kept)
        digest = hashlib.sha256(f"{self.sha256} {name}\n".encode())
        for example in chosen:
            digest.update(f"{example.sha256}\n".encode())
        return replace(self, name=f"{self.name}, {name}", slices=chosen, sha256=digest.hexdigest())
