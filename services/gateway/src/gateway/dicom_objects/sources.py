"""The images that a result was made from: read again from their de-identified headers, to refer to and to lie upon."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from gateway.dicom_objects.subject import Subject
from ictus.domain.errors import IctusError, IntakeError
from ictus.imaging.dicom import Instance, read_instance
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.orientation import Turn
from ictus.imaging.series import Slot, Stack, stacks_of
from ictus.imaging.sniff import FileKind
from ictus.imaging.upload import Upload, UploadedFile
from ictus.storage import ObjectStore
from ictus.storage.keys import source_key

_HEADER_BYTES: Final = 256 * 1024
"""So much of a file is fetched first; a header is rarely longer."""
_THREADS: Final = 8
_KEPT: Final = (
    "SOPClassUID",
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PositionReferenceIndicator",
    "BodyPartExamined",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
"""What the objects take over from a source image; nothing else of it gets into them."""
_RENAMED: Final = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
_BLANK: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)


class SourcesUnreadableError(IctusError):
    """The stored images of a study cannot be referred to."""

    code = "sources_unreadable"
    title = "The stored images of this study cannot be read, so no DICOM result can refer to them."


@dataclass(frozen=True, slots=True)
class SourceSeries:
    """Where the analysed series' files lie.

    Attributes:
        files: how many there are.
        slices: of the canonical volume.
    """

    study_id: UUID
    series_id: UUID
    files: int
    slices: int


@dataclass(frozen=True)
class Sources:
    """The images of one series, by their headers, as the objects refer to them.

    Attributes:
        images: without pixels and without a patient, in slice order, each once.
        stack: the slices' places; None when they cannot be told for certain, so that nothing can be laid upon them.
    """

    images: tuple[Dataset, ...]
    stack: Stack | None

    @property
    def slots(self) -> Sequence[Slot]:
        """The slices in the order of the canonical volume; none when there is no stack."""
        return self.stack.slots if self.stack else ()

    @property
    def turn(self) -> Turn | None:
        """How the slices were turned for display."""
        return self.stack.turn if self.stack else None

    @property
    def is_multiframe(self) -> bool:
        """Whether one image holds several slices."""
        return any("NumberOfFrames" in image and int(image.NumberOfFrames) > 1 for image in self.images)

    def image_of(self, index: int) -> tuple[Dataset, int]:
        """The image of a slice, and the frame in it (1-based). ``LookupError`` without a stack."""
        slot = self.slots[index]
        assert self.stack is not None  # noqa: S101  there are slots
        position = self.stack.instances.index(slot.instance)
        return self.images[position], slot.frame.number + 1

    def as_stored(self, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A plane of the canonical volume as the source image has it."""
        return np.ascontiguousarray(self.turn.undo(shown) if self.turn else shown)


def read_sources(store: ObjectStore, series: SourceSeries, subject: Subject) -> Sources:
    """Read the headers of a series' files. They were written by our own intake; pixels are not decoded.

    Raises:
        SourcesUnreadableError: a file is not what intake wrote.
        UnavailableError: the object store does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="sources-") as folder:
        paths = [Path(folder) / f"{number}.dcm" for number in range(series.files)]

        def read(number: int) -> Instance:
            key = source_key(series.study_id, series.series_id, number)
            return _read(store, key, paths[number])

        with ThreadPoolExecutor(min(_THREADS, max(1, series.files))) as pool:
            try:
                instances = list(pool.map(read, range(series.files)))
            except IntakeError as error:
                raise SourcesUnreadableError from error
        if not instances:
            raise SourcesUnreadableError
        stack = _stack(instances, series.slices)
    ordered = stack.instances if stack else instances
    return Sources(tuple(_image(one, subject) for one in ordered), stack)


def _read(store: ObjectStore, key: str, path: Path) -> Instance:
    file = UploadedFile(path, FileKind.DICOM, 0)
    path.write_bytes(store.get_range(key, 0, _HEADER_BYTES))
    with suppress(IntakeError, EOFError):
        return read_instance(file, IntakeLimits())
    store.get_to_file(key, path)
    return read_instance(file, IntakeLimits())


def _stack(instances: list[Instance], slices: int) -> Stack | None:
    """The one stack that has so many slices; None when there is none or a choice."""
    try:
        stacks = [stack for stack in stacks_of(instances, Upload()) if len(stack.slots) == slices]
    except IntakeError:
        return None
    return stacks[0] if len(stacks) == 1 and stacks[0].turn is not None else None


def _image(instance: Instance, subject: Subject) -> Dataset:
    image = Dataset()
    for keyword in _present(instance.header, _KEPT):
        image[keyword] = instance.header[keyword]
    for keyword in _present(instance.header, _RENAMED):
        setattr(image, keyword, subject.uid(instance.text(keyword)))
    for keyword in _BLANK:
        setattr(image, keyword, "")
    image.file_meta = instance.header.file_meta
    return image


def _present(header: Dataset, keywords: Sequence[str]) -> Iterator[str]:
    return (keyword for keyword in keywords if keyword in header)
