"""The images that fine-tuning needs: those of the confirmed cases, by reference, and the replay data set's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ictus.contracts.cases import CaseScan
from ictus.domain.errors import IctusError, MalformedFileError, NotFoundError
from ictus.imaging.volume import Volume
from ictus.model.manifest import TEST_SET_FILE, ModelDirectory
from trainer.continual.cases import CasesRefusedError, ConfirmedSlices
from trainer.data import Dataset, LabelledSlice, load_dataset
from trainer.data.load import LABELS_FILE
from trainer.data.manifest import DATASET_FILE, LabelLevel
from trainer.data.pictures import VOLUME_SUFFIX
from trainer.errors import TrainerError
from trainer.exemplars import read_embedded

Bool = NDArray[np.bool_]


class MethodUnavailableError(IctusError):
    """This trainer cannot learn in this way."""

    code: ClassVar[str] = "method_unavailable"
    title: ClassVar[str] = (
        "This trainer has no images, so it cannot fine-tune the whole network. Start a training by latent replay."
    )


class ReadsObjects(Protocol):
    """What is asked of the object store (``ictus.storage``)."""

    def get_bytes(self, key: str) -> bytes:
        """The object's content."""


@dataclass(frozen=True)
class ReplayImages:
    """The data set that the champion learned from.

    Attributes:
        dataset: its slices.
        is_test: (n,) whether a slice is of the frozen test set, which nothing is learned from.
    """

    dataset: Dataset
    is_test: Bool


def missing_for_fine_tuning(replay_dataset: Path | None, *, has_objects: bool) -> str | None:
    """What an administrator has to set before this trainer can fine-tune; None when it can."""
    missing = []
    if replay_dataset is None:
        missing.append(
            "ICTUS_REPLAY_DATASET must name the folder of the data set that the model in use learned from "
            "(`ictus-train import` makes one)"
        )
    elif not any((replay_dataset / name).is_file() for name in (DATASET_FILE, LABELS_FILE)):
        missing.append(
            f"the folder that ICTUS_REPLAY_DATASET names ({replay_dataset.name}) holds no data set that the trainer "
            "can see (`ictus-train import` makes one)"
        )
    if not has_objects:
        missing.append("ICTUS_S3_ENDPOINT and the keys of an account that may read the scans must be set")
    return f"The trainer cannot fine-tune: {'; '.join(missing)}." if missing else None


def open_replay(folder: Path, base: ModelDirectory) -> ReplayImages:
    """The replay data set of a version, which must hold the very slices of its frozen test set.

    Args:
        folder: an imported data set.
        base: the champion.

    Raises:
        MethodUnavailableError: it is no data set, or not the one that the champion learned from.
    """
    try:
        dataset = load_dataset(folder)
    except TrainerError as error:
        raise MethodUnavailableError(f"The replay data set cannot be read. {error}"[:400]) from error
    if dataset.label_level is not LabelLevel.SLICE:
        raise MethodUnavailableError(
            "The replay data set has labels of patients; labels of slices are needed."
        )
    test_set = read_embedded(base.path / TEST_SET_FILE)
    names, patients = np.unique(dataset.patients, return_inverse=True)
    is_test = np.isin(patients, np.unique(test_set.patients))
    fits = (
        len(names) > test_set.patients.max()
        and np.array_equal(patients[is_test], test_set.patients)
        and np.array_equal(dataset.labels[is_test], test_set.labels == 1)
    )
    if not fits:
        raise MethodUnavailableError(
            "The replay data set is not the one that the model in use learned from: its frozen test set is not in it."
        )
    return ReplayImages(dataset, is_test)


def fetch_scans(
    scans: Sequence[CaseScan], slices: ConfirmedSlices, store: ReadsObjects, folder: Path
) -> tuple[LabelledSlice | None, ...]:
    """The images of a data set's rows, each kept as a volume of one slice; None where the scan is gone.

    What an earlier attempt has fetched is not fetched again.

    Args:
        scans: of the data set, in its order.
        slices: the rows.
        store: that the de-identified volumes lie in.
        folder: of this training.

    Raises:
        CasesRefusedError: the references do not fit the rows.
        UnavailableError: the object store does not answer.
        StorageRefusedError: it does not let the trainer read.
    """
    named = [(scan, position) for scan in scans for position in scan.slices]
    if [scan.case for scan, _ in named] != slices.cases.tolist():
        raise CasesRefusedError("The images of the data set do not fit its embeddings.")
    folder.mkdir(parents=True, exist_ok=True)
    found: list[LabelledSlice | None] = []
    for scan in scans:
        found += _fetched(scan, len(found), slices, store, folder)
    return tuple(found)


def _fetched(
    scan: CaseScan, first: int, slices: ConfirmedSlices, store: ReadsObjects, folder: Path
) -> list[LabelledSlice | None]:
    """The images of one case, whose rows begin at ``first``."""
    files = [folder / f"{first + row}{VOLUME_SUFFIX}" for row in range(len(scan.slices))]
    if not all(file.is_file() for file in files):
        volume = _volume(scan, store)
        if volume is None or scan.slices[-1] >= len(volume.voxels):
            return [None] * len(files)
        for file, position in zip(files, scan.slices, strict=True):
            part = file.with_suffix(".part")
            part.write_bytes(replace(volume, voxels=volume.voxels[position : position + 1]).to_bytes())
            part.replace(file)
    return [
        LabelledSlice(
            file,
            patient=f"case {slices.patients[first + row]}",
            number=position,
            is_stroke=bool(slices.labels[first + row]),
            sha256=sha256(file.read_bytes()).hexdigest(),
            series=scan.case,
        )
        for row, (file, position) in enumerate(zip(files, scan.slices, strict=True))
    ]


def _volume(scan: CaseScan, store: ReadsObjects) -> Volume | None:
    if scan.volume_key is None:
        return None
    try:
        return Volume.from_bytes(store.get_bytes(scan.volume_key))
    except (NotFoundError, MalformedFileError):
        return None
