"""DICOM files: the header of each instance, and what its frames say of their place and meaning.

Pixels are not touched here (``ictus.imaging.pixels``), so a folder of a thousand slices can be ordered
before the first is decoded.
"""

import math
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info, read_partial
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ictus.domain.errors import (
    InvalidValuesError,
    MalformedFileError,
    NoPixelDataError,
    TooLargeError,
    TruncatedFileError,
    UnsupportedDimensionsError,
)
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.upload import UploadedFile

MAX_INFLATED_BYTES = 512 * 1024**2
"""A deflated data set may not be larger than this: pydicom inflates it in one piece, in memory."""

_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXEL_DATA = {0x7FE00008, 0x7FE00009}
_NO_IMAGE_MODALITIES = {"SEG", "SR", "PR", "KO", "RTDOSE", "RTPLAN", "RTSTRUCT", "REG", "ECG", "DOC"}

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of an instance, with what places and scales it.

    Attributes:
        number: 0-based frame in its instance.
        position: ImagePositionPatient: millimetres, patient system (left, posterior, up).
        orientation: ImageOrientationPatient: direction of the rows' run (columns increase), then the columns'.
        pixel_spacing: millimetres between (rows, columns).
        contrast: what tells stacks of one series apart at the same position (echo, b-value, …).
    """

    number: int
    position: Vector | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    rescale_type: str
    contrast: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """One DICOM file: its header without the pixels, and its frames."""

    file: UploadedFile
    header: Dataset
    transfer_syntax: UID
    rows: int
    columns: int
    frames: tuple[Frame, ...]

    def text(self, keyword: str) -> str:
        """The attribute as text; empty when absent or unreadable."""
        return text(self.header, keyword)

    @property
    def image_type(self) -> tuple[str, ...]:
        """ImageType, upper case."""
        return tuple(part.strip().upper() for part in self.text("ImageType").split("\\"))


def text(dataset: Dataset, keyword: str) -> str:
    """An attribute as text, values of several joined by backslashes; empty when absent or unreadable."""
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, LookupError, NotImplementedError, AttributeError):
        return ""
    if value is None:
        return ""
    several = isinstance(value, MultiValue | list | tuple)
    return "\\".join(str(part) for part in (value if several else [value])).strip("\0 ")


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """An attribute as ``count`` finite numbers, else None."""
    try:
        values = tuple(float(part) for part in text(dataset, keyword).split("\\"))
    except ValueError:
        return None
    return values if len(values) == count and all(map(math.isfinite, values)) else None


def read_instance(file: UploadedFile, limits: IntakeLimits) -> Instance:
    """Read a DICOM file's header.

    Raises:
        NoPixelDataError: it is no image (SEG, SR, Parametric Map, presentation state, DICOMDIR, …).
        TruncatedFileError: it ends before its pixels begin.
        TooLargeError: it has more pixels or slices than allowed.
        InvalidValuesError: its values' scale cannot be read.
        MalformedFileError: its header contradicts itself.
    """
    with file.path.open("rb") as source:
        _refuse_deflate_bomb(source)
        header, pixels_follow = read_header(source)
    _refuse_without_picture(header, pixels_follow)
    rows, columns, count = (
        _whole(header, keyword, 1 if keyword == "NumberOfFrames" else None)
        for keyword in ("Rows", "Columns", "NumberOfFrames")
    )
    if rows * columns > limits.max_pixels:
        raise TooLargeError(
            f"A picture of {columns} x {rows} pixels is larger than this installation allows."
        )
    if count > limits.max_slices:
        raise TooLargeError(f"A file of {count} slices is longer than this installation allows.")
    return Instance(file, header, _transfer_syntax(header), rows, columns, _frames(header, count))


def read_header(source: BinaryIO) -> tuple[Dataset, bool]:
    """(data set up to the pixels, whether pixels follow); the file then stands at the pixels' element.

    Raises:
        MalformedFileError: this is no data set.
    """
    met: list[int] = []

    def at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        if tag == _PIXEL_DATA or tag in _FLOAT_PIXEL_DATA:
            met.append(int(tag))
        return bool(met)

    try:
        header = read_partial(source, stop_when=at_pixels, force=True)
    except InvalidDicomError as error:
        raise MalformedFileError from error
    return header, met == [_PIXEL_DATA]


def _refuse_deflate_bomb(source: BinaryIO) -> None:
    if source.read(132)[128:] == b"DICM":
        source.seek(0)
        meta = read_file_meta_info(source.name)
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            source.seek(132)
            length_element = source.read(12)
            source.seek(144 + int.from_bytes(length_element[8:12], "little"))
            inflate, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
            while chunk := inflate.unconsumed_tail or source.read(64 * 1024):
                total += len(inflate.decompress(chunk, 1024**2))
                if total > MAX_INFLATED_BYTES:
                    raise TooLargeError
            if not inflate.eof:
                raise TruncatedFileError
    source.seek(0)


def _refuse_without_picture(header: Dataset, pixels_follow: bool) -> None:
    sop_class = UID(text(header, "SOPClassUID") or text(_meta(header), "MediaStorageSOPClassUID"))
    known = sop_class.name != str(sop_class)
    is_image = "Image Storage" in sop_class.name or not known
    if not is_image or text(header, "Modality").upper() in _NO_IMAGE_MODALITIES:
        raise NoPixelDataError
    if not len(header):
        raise MalformedFileError
    if not pixels_follow:
        if known and "Rows" in header:
            raise TruncatedFileError("The file ends before its picture begins. Please send it again.")
        raise NoPixelDataError


def _meta(header: Dataset) -> Dataset:
    meta = getattr(header, "file_meta", None)
    return meta if isinstance(meta, Dataset) else Dataset()


def _transfer_syntax(header: Dataset) -> UID:
    stated = text(_meta(header), "TransferSyntaxUID")
    if stated:
        return UID(stated)
    # No file meta information: the reader has found out the encoding; it can only be a native one.
    implicit, little = header.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _whole(header: Dataset, keyword: str, default: int | None) -> int:
    stated = text(header, keyword)
    if not stated and default is not None:
        return default
    try:
        value = int(float(stated))
    except (ValueError, OverflowError) as error:
        raise MalformedFileError(f"The file does not say its {keyword}.") from error
    if value < 1:
        raise MalformedFileError(f"The file says that its {keyword} is {value}.")
    return value


_CONTRAST = (
    "ImageType",
    "EchoTime",
    "EffectiveEchoTime",
    "InversionTime",
    "DiffusionBValue",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "AcquisitionNumber",
)


def _frames(header: Dataset, count: int) -> tuple[Frame, ...]:
    shared = _items(header, "SharedFunctionalGroupsSequence")
    per_frame = _items(header, "PerFrameFunctionalGroupsSequence")
    if per_frame and len(per_frame) < count:
        raise MalformedFileError("The file describes fewer slices than it says it holds.")
    if count > 1 and not per_frame and text(header, "NumberOfTemporalPositions") not in {"", "1"}:
        raise UnsupportedDimensionsError
    frames = []
    for number in range(count):
        # The frame's own group wins over the shared one, and that over the instance (PS3.3 C.7.6.16).
        groups = [*per_frame[number : number + 1], *shared[:1]]
        sources = [item for group in groups for item in _macros(group)]
        frames.append(_frame([*sources, header], number))
    return tuple(frames)


def _frame(sources: list[Dataset], number: int) -> Frame:
    def first(keyword: str, count: int) -> tuple[float, ...] | None:
        for source in sources:
            if (values := numbers(source, keyword, count)) is not None:
                return values
        return None

    def word(keyword: str) -> str:
        return next((found for source in sources if (found := text(source, keyword))), "")

    position = first("ImagePositionPatient", 3)
    spacing = first("PixelSpacing", 2)
    thickness = first("SliceThickness", 1)
    scale = {keyword: first(keyword, 1) for keyword in ("RescaleSlope", "RescaleIntercept")}
    if any(word(keyword) and value is None for keyword, value in scale.items()):
        raise InvalidValuesError("The file does not say how its values are to be scaled.")
    slope, intercept = scale["RescaleSlope"], scale["RescaleIntercept"]
    return Frame(
        number=number,
        position=(position[0], position[1], position[2]) if position else None,
        orientation=first("ImageOrientationPatient", 6),
        pixel_spacing=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        thickness=thickness[0] if thickness and thickness[0] > 0 else None,
        slope=slope[0] if slope else 1.0,
        intercept=intercept[0] if intercept else 0.0,
        rescale_type=word("RescaleType").upper(),
        contrast=tuple(word(keyword) for keyword in _CONTRAST),
    )


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, LookupError, NotImplementedError, AttributeError):
        return []
    return list(value) if value else []


_MACROS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "FrameContentSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
)


def _macros(group: Dataset) -> list[Dataset]:
    return [item for keyword in _MACROS for item in _items(group, keyword)[:1]]
