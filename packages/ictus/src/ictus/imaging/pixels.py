"""The decoded pixels of DICOM frames: grey planes of modality values, whatever the transfer syntax."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from ictus.domain.errors import (
    InvalidValuesError,
    MalformedFileError,
    TruncatedFileError,
    UnsupportedSyntaxError,
)
from ictus.imaging.dicom import Frame, Instance, numbers, text

_COLOUR_SPACES = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


Stored = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Plane:
    """One decoded frame.

    Attributes:
        values: (rows, columns) float32; modality values (rescaled) or, for colour, 0..255 luminance.
        padded: (rows, columns) bool where nothing was measured (PixelPaddingValue), or None.
        inverted: the smallest value is meant to be shown white (MONOCHROME1).
        colourfulness: 0 grey .. 1.
        is_display: values are already 0..255 as a screen shows them.
    """

    values: NDArray[np.float32]
    padded: NDArray[np.bool_] | None
    inverted: bool
    colourfulness: float
    is_display: bool


def read_data_set(instance: Instance) -> Dataset:
    """The instance's whole data set, pixels included.

    Raises:
        TruncatedFileError: the pixels are not all there.
        MalformedFileError: the file cannot be read.
    """
    dataset = dcmread(instance.file.path, force=True)
    if "PixelData" not in dataset:
        raise TruncatedFileError
    dataset.file_meta.TransferSyntaxUID = instance.transfer_syntax
    if not instance.transfer_syntax.is_encapsulated and len(dataset.PixelData) < native_length(dataset):
        raise TruncatedFileError
    return dataset


def native_length(dataset: Dataset) -> int:
    """Bytes that uncompressed PixelData must have (PS3.5 8.1.1), without the byte that makes them even."""
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(text(dataset, "NumberOfFrames") or 1)
    if text(dataset, "PhotometricInterpretation") == "YBR_FULL_422":
        return pixels * 2 * int(dataset.BitsAllocated) // 8
    return math.ceil(pixels * int(dataset.get("SamplesPerPixel", 1)) * int(dataset.BitsAllocated) / 8)


def decode(instance: Instance, dataset: Dataset) -> Iterator[tuple[Frame, Plane]]:
    """Every frame of the instance, decoded, in stored order.

    Raises:
        UnsupportedSyntaxError: nothing here decodes the transfer syntax.
        TruncatedFileError: there are fewer frames than the header says.
        MalformedFileError: the pixels cannot be decoded.
    """
    try:
        decoder = get_decoder(instance.transfer_syntax)
    except NotImplementedError as error:
        raise UnsupportedSyntaxError from error
    if not decoder.is_available:
        raise UnsupportedSyntaxError
    decoded = decoder.iter_array(dataset, raw=False)
    for frame in instance.frames:
        try:
            pixels, properties = next(decoded)
        except StopIteration as error:
            raise TruncatedFileError from error
        if pixels.shape[:2] != (instance.rows, instance.columns):
            raise MalformedFileError("The picture has another size than the file says.")
        shown = str(properties.get("photometric_interpretation", ""))
        yield frame, _plane(pixels, frame, dataset, shown)


def _plane(pixels: Stored, frame: Frame, dataset: Dataset, shown: str) -> Plane:
    if text(dataset, "PhotometricInterpretation") == "PALETTE COLOR":
        pixels, shown = apply_color_lut(pixels, dataset)[..., :3], "RGB"
        return _grey(pixels, int(np.iinfo(pixels.dtype).max))
    if shown in _COLOUR_SPACES and pixels.ndim == 3:
        return _grey(pixels, 2 ** int(dataset.BitsStored) - 1)
    if pixels.ndim != 2:
        raise MalformedFileError("The picture has samples that the file does not explain.")
    values = _rescaled(pixels, frame, dataset)
    if not np.isfinite(values).all():
        raise InvalidValuesError
    is_display = (
        int(dataset.BitsStored) <= 8 and (frame.slope, frame.intercept) == (1.0, 0.0) and pixels.min() >= 0
    )
    if is_display:
        values *= 255 / (2 ** int(dataset.BitsStored) - 1)
    return Plane(values, _padding(pixels, dataset), shown == "MONOCHROME1", 0.0, is_display)


def _rescaled(pixels: Stored, frame: Frame, dataset: Dataset) -> NDArray[np.float32]:
    if "ModalityLUTSequence" in dataset:
        return np.asarray(apply_modality_lut(pixels, dataset), np.float32)
    if frame.slope == 0:
        raise InvalidValuesError("The scan's values are scaled by zero and say nothing.")
    return (pixels.astype(np.float32) * np.float32(frame.slope)) + np.float32(frame.intercept)


def _grey(pixels: Stored, white: int) -> Plane:
    """Colour to Rec. 601 luminance, 0..255."""
    colour = pixels.astype(np.float32) * np.float32(255 / white)
    chroma = float((colour.max(axis=2) - colour.min(axis=2)).mean() / 255)
    return Plane((colour @ _LUMA).astype(np.float32), None, False, chroma, True)


def _padding(pixels: Stored, dataset: Dataset) -> NDArray[np.bool_] | None:
    """Where the stored value is padding (PS3.3 C.7.5.1.1.2): one value or a range, ends included."""
    limits = [_padding_value(dataset, keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    first, last = limits
    if first is None:
        return None
    last = first if last is None else last
    padded: NDArray[np.bool_] = (pixels >= min(first, last)) & (pixels <= max(first, last))
    return padded if padded.any() and not padded.all() else None


def _padding_value(dataset: Dataset, keyword: str) -> int | None:
    stated = numbers(dataset, keyword, 1)
    if stated is None:
        return None
    value, signed = int(stated[0]), int(dataset.get("PixelRepresentation", 0)) == 1
    # Writers often give the value in the other signedness than its pixels.
    if signed and value >= 2**15:
        return value - 2**16
    return value + 2**16 if not signed and value < 0 else value
