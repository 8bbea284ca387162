"""What surrounds the picture inside PixelData: bytes where identity can hide behind a clean header."""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

from ictus.imaging.dicom import text
from ictus.imaging.pixels import native_length

_JPEG_START = b"\xff\xd8"
_J2K_START = b"\xff\x4f"
_SCAN, _ADOBE, _JFIF, _JPEG_LS_SPIFF = 0xDA, 0xEE, 0xE0, 0xE8
_J2K_COMMENT, _J2K_TILE = 0x64, 0x90


def clean_pixel_data(dataset: Dataset) -> None:
    """Drop, in place, all bytes of PixelData that are no picture.

    Native: what follows the last pixel, and the bits above BitsStored when an overlay was kept there.
    Compressed: comments and application segments of JPEG, JPEG-LS and JPEG 2000 streams are blanked.
    """
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if not syntax.is_encapsulated:
        length = native_length(dataset)
        pixels = _without_embedded_overlay(dataset, bytes(dataset.PixelData[:length]))
        dataset.PixelData = pixels + b"\0" * (length % 2)
        return
    count = int(text(dataset, "NumberOfFrames") or 1)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
    cleaned = [without_comments(frame) for frame in frames]
    if cleaned != frames:
        dataset.PixelData = encapsulate(cleaned)
        dataset["PixelData"].is_undefined_length = True
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in dataset:
                del dataset[keyword]


def without_comments(stream: bytes) -> bytes:
    """A JPEG-family stream of the same length whose comments and application data are zeros.

    Segments that say how colours are to be read (JFIF, Adobe) keep the few bytes that do.
    """
    if stream.startswith(_JPEG_START):
        markers, comment, last = {0xFE, *range(0xE0, 0xF0)}, 0xFE, _SCAN
    elif stream.startswith(_J2K_START):
        markers, comment, last = {_J2K_COMMENT}, _J2K_COMMENT, _J2K_TILE
    else:
        return stream
    cleaned, at = bytearray(stream), 2
    while at + 4 <= len(stream) and stream[at] == 0xFF and stream[at + 1] != last:
        marker = stream[at + 1]
        (length,) = struct.unpack(">H", stream[at + 2 : at + 4])
        if marker in markers:
            kept = {comment: 2 if comment == _J2K_COMMENT else 0, _ADOBE: 12, _JFIF: 14}.get(marker, 0)
            if marker == _JPEG_LS_SPIFF:
                kept = length  # SPIFF and colour transform parameters, no text
            start, end = at + 4 + kept, min(at + 2 + length, len(stream))
            cleaned[start:end] = bytes(max(0, end - start))
        at += 2 + length
    return bytes(cleaned)


def _without_embedded_overlay(dataset: Dataset, pixels: bytes) -> bytes:
    """Clear the unused high bits when an overlay lies there (retired use of OverlayBitPosition)."""
    positions = [
        int(dataset.get((group, 0x0102)).value or 0)
        for group in range(0x6000, 0x6020, 2)
        if (group, 0x0102) in dataset
    ]
    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    if not any(positions) or allocated not in {8, 16} or stored >= allocated:
        return pixels
    if int(dataset.get("PixelRepresentation", 0)) or int(dataset.get("HighBit", stored - 1)) != stored - 1:
        return pixels
    order = "<" if UID(dataset.file_meta.TransferSyntaxUID).is_little_endian else ">"
    values = np.frombuffer(pixels, f"{order}u{allocated // 8}")
    masked: bytes = (values & np.array((1 << stored) - 1, values.dtype)).astype(values.dtype).tobytes()
    return masked
