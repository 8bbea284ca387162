"""Does anything of what is held out stand in what is learned from?

A patient in two parts of a split, one file in two parts, or one picture in two parts under two names: copied,
re-encoded, resized, brightened. Copies are found by a perceptual hash (pHash: signs of the low DCT coefficients; Zauner
2010) and confirmed by the correlation of the pictures, because different people's heads hash alike.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ictus.model.base import Params
from trainer.data.dataset import Dataset
from trainer.data.pictures import as_displayed

Float32 = NDArray[np.float32]

HASH_SIDE: Final = 16
"""256 bits: with 64, different patients' heads are indistinguishable."""
SIDE: Final = 4 * HASH_SIDE
"""Pixels of the small picture that is hashed and correlated."""
MAXIMUM_DISTANCE: Final = 48
MINIMUM_CORRELATION: Final = 0.975
"""Both measured: docs/decisions/0080."""
_BLOCK: Final = 2048
FROZEN: Final = "frozen test set"
"""The part that the examples of a frozen test set are in."""


class LeakKind(StrEnum):
    """How something held out is known already."""

    SAME_PATIENT = "same patient"
    EXACT = "same file"
    NEAR = "near duplicate"


class Leak(Params):
    """Two examples that know each other.

    Attributes:
        first: position of one in the data set.
        second: position of the other, in the frozen test set when ``parts[1]`` says so.
        parts: the parts of the split that they are in.
        correlation: of the small pictures, of duplicates only.
        labels_agree: of duplicates only; one picture with two labels is wrong in one of them.
        stops: whether they are in different parts. Duplicates of two patients in one part are told, because they
            are probably one patient under two pseudonyms.
    """

    kind: LeakKind
    first: int
    second: int
    parts: tuple[str, str]
    correlation: float | None = None
    labels_agree: bool | None = None
    stops: bool


@dataclass(frozen=True)
class Fingerprints:
    """What pictures are compared by.

    Attributes:
        hashes: (n, 256) float32, -1 or 1: the bits of the perceptual hash.
        pictures: (n, 4096) float32: small pictures, mean 0 and norm 1.
    """

    hashes: Float32
    pictures: Float32


def fingerprints(dataset: Dataset) -> Fingerprints:
    """Hash and small picture of every example.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    hashes = np.empty((len(dataset.slices), HASH_SIDE**2), np.float32)
    pictures = np.empty((len(dataset.slices), SIDE**2), np.float32)
    for row, example in enumerate(
        tqdm(dataset.slices, desc="hashing slices", unit="slice", leave=False, disable=None)
    ):
        small = cv2.resize(as_displayed(example.path), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        bits = imagehash.phash(Image.fromarray(small), hash_size=HASH_SIDE, highfreq_factor=4).hash
        hashes[row] = bits.ravel().astype(np.float32) * 2 - 1
        flat = small.ravel().astype(np.float32)
        flat -= flat.mean()
        pictures[row] = flat / max(float(np.linalg.norm(flat)), 1e-6)
    return Fingerprints(hashes, pictures)


def find_leaks(dataset: Dataset, parts: NDArray[np.str_], frozen: Dataset | None = None) -> tuple[Leak, ...]:
    """Patients and pictures that stand in two parts of a split or in the frozen test set.

    Duplicates within one patient and one part are no finding: neighbouring slices look alike.

    Args:
        dataset: what is split.
        parts: (n,) the part that each example is in.
        frozen: a test set that is never trained on.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    own = fingerprints(dataset)
    everyone = dataset.patients
    leaks = [
        *_shared_patients(everyone, parts),
        *_duplicates(dataset, own, parts, dataset, own, parts, within=True),
    ]
    if frozen is not None:
        theirs = np.full(len(frozen.slices), FROZEN)
        leaks += _duplicates(dataset, own, parts, frozen, fingerprints(frozen), theirs, within=False)
        if dataset.patient_namespace == frozen.patient_namespace:
            leaks += _known_patients(everyone, parts, frozen.patients)
    return tuple(leaks)


def duplicate_pairs(prints: Fingerprints) -> NDArray[np.int64]:
    """(m, 2) positions of every picture that comes twice, the lower one first, whoever is on it."""
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(prints.hashes), _BLOCK):
        rows = np.s_[start : start + _BLOCK]
        first, second = np.nonzero(_hashed_alike(prints.hashes[rows], prints.hashes))
        pairs = np.stack([first + start, second], axis=1)[first + start < second]
        correlation = np.einsum("ij,ij->i", prints.pictures[pairs[:, 0]], prints.pictures[pairs[:, 1]])
        found.append(pairs[correlation >= MINIMUM_CORRELATION])
    return np.concatenate(found)


def _hashed_alike(a: Float32, b: Float32) -> NDArray[np.bool_]:
    alike: NDArray[np.bool_] = (HASH_SIDE**2 - a @ b.T) / 2 <= MAXIMUM_DISTANCE
    return alike


def _shared_patients(patients: NDArray[np.str_], parts: NDArray[np.str_]) -> list[Leak]:
    leaks = []
    for patient in np.unique(patients):
        rows = np.flatnonzero(patients == patient)
        elsewhere = rows[parts[rows] != parts[rows[0]]]
        if len(elsewhere):
            leaks.append(_leak(LeakKind.SAME_PATIENT, int(rows[0]), int(elsewhere[0]), parts, parts))
    return leaks


def _known_patients(
    patients: NDArray[np.str_], parts: NDArray[np.str_], frozen: NDArray[np.str_]
) -> list[Leak]:
    _, ours, theirs = np.intersect1d(patients, frozen, return_indices=True)
    theirs_parts = np.full(len(frozen), FROZEN)
    return [
        _leak(LeakKind.SAME_PATIENT, int(a), int(b), parts, theirs_parts)
        for a, b in zip(ours, theirs, strict=True)
    ]


def _duplicates(
    ours: Dataset,
    a: Fingerprints,
    our_parts: NDArray[np.str_],
    theirs: Dataset,
    b: Fingerprints,
    their_parts: NDArray[np.str_],
    *,
    within: bool,
) -> list[Leak]:
    """Pairs of one picture; ``within`` one data set each pair once, and none of one patient in one part."""
    digests = np.array([s.sha256 for s in ours.slices]), np.array([s.sha256 for s in theirs.slices])
    labels = ours.labels, theirs.labels
    leaks = []
    for start in range(0, len(a.hashes), _BLOCK):
        rows = np.s_[start : start + _BLOCK]
        alike = _hashed_alike(a.hashes[rows], b.hashes)
        if within:
            same = (ours.patients[rows, None] == theirs.patients) & (our_parts[rows, None] == their_parts)
            alike &= ~same
        first, second = np.nonzero(alike)
        first = first + start
        if within:
            first, second = first[first < second], second[first < second]
        correlation = np.einsum("ij,ij->i", a.pictures[first], b.pictures[second])
        for i, j, value in zip(first, second, correlation, strict=True):
            exact = digests[0][i] == digests[1][j]
            if exact or value >= MINIMUM_CORRELATION:
                kind = LeakKind.EXACT if exact else LeakKind.NEAR
                agree = bool(labels[0][i] == labels[1][j])
                leaks.append(_leak(kind, int(i), int(j), our_parts, their_parts, float(value), agree))
    return leaks


def _leak(
    kind: LeakKind,
    first: int,
    second: int,
    our_parts: NDArray[np.str_],
    their_parts: NDArray[np.str_],
    correlation: float | None = None,
    labels_agree: bool | None = None,
) -> Leak:
    parts = str(our_parts[first]), str(their_parts[second])
    return Leak(
        kind=kind,
        first=int(first),
        second=int(second),
        parts=parts,
        correlation=None if correlation is None else round(correlation, 4),
        labels_agree=labels_agree,
        stops=parts[0] != parts[1],
    )
