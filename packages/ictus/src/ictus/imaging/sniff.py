"""What a file is, told by its first bytes alone; names and declared types are never looked at."""

import struct
import zlib
from enum import StrEnum
from pathlib import Path

from ictus.domain.errors import TruncatedFileError, UnrecognisedFileError

_HEAD = 1024
_GZIP = b"\x1f\x8b"


class FileKind(StrEnum):
    """The formats that intake reads."""

    DICOM = "dicom"
    NIFTI = "nifti"
    PNG = "png"
    JPEG = "jpeg"
    ZIP = "zip"


def sniff(path: Path) -> FileKind:
    """The kind of the file at ``path``.

    Raises:
        UnrecognisedFileError: it is none of them.
        TruncatedFileError: it is empty.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise TruncatedFileError("The file is empty. Please export or send it again.")
    kind = _kind_of(head)
    if kind is None:
        raise UnrecognisedFileError
    return kind


def is_gzip(path: Path) -> bool:
    """Whether the file is compressed with gzip (a ``.nii.gz``)."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


_SIGNATURES = (
    (128, b"DICM", FileKind.DICOM),
    (0, b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (0, b"\xff\xd8\xff", FileKind.JPEG),
    (0, b"PK\x03\x04", FileKind.ZIP),
    (0, b"PK\x05\x06", FileKind.ZIP),
)


def _kind_of(head: bytes) -> FileKind | None:
    for offset, signature, kind in _SIGNATURES:
        if head[offset:].startswith(signature):
            return kind
    if _is_nifti(_first_unpacked(head) if head.startswith(_GZIP) else head):
        return FileKind.NIFTI
    return FileKind.DICOM if _is_bare_dicom(head) else None


def _first_unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 and -2 begin with their header's size in either byte order; pairs of .hdr and .img count too."""
    for order in "<>":
        if len(head) >= 348 and struct.unpack(f"{order}i", head[:4])[0] == 348:
            return head[344:348] in {b"n+1\0", b"ni1\0"}
        if len(head) >= 12 and struct.unpack(f"{order}i", head[:4])[0] == 540:
            return head[4:7] in {b"n+2", b"ni2"}
    return False


def _is_bare_dicom(head: bytes) -> bool:
    """A data set without preamble (PS3.10 7.1 forbids it, archives hold them): begins with group 2 or 8."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", head[:8])
        if group not in {0x0002, 0x0008} or element > 0x0060:
            continue
        value_representation = head[4:6]
        if value_representation in _FIRST_VRS:
            return True
        # Implicit VR is little endian always; the first values of a data set are short.
        if order == "<" and length <= 256 and length % 2 == 0:
            return True
    return False


_FIRST_VRS = {b"UL", b"OB", b"UI", b"SH", b"AE", b"CS", b"DA", b"TM", b"UN"}
