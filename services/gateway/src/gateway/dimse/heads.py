"""Which instance a received file is: the few UIDs that decide where it is kept until intake reads it.

Only the first MiB is looked at, nothing in it is decoded, and what is deflated is refused, because it would have to
be inflated first. Everything else about the file is found out in the sandbox.
"""

import io
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info, read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from ictus.imaging.dicom import text

_LOOKED_AT: Final = 1024**2
_SERIES_INSTANCE_UID: Final = 0x0020000E
_WANTED: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_TAGS: Final[list[BaseTag | int]] = [Tag(keyword) for keyword in _WANTED]
_LONGEST_UID: Final = 64


class Failure(IntEnum):
    """Why an instance is not kept: statuses of C-STORE (PS3.4 B.2.3) and FailureReasons of STOW-RS (PS3.18 I.2.2)."""

    OUT_OF_RESOURCES = 0xA700
    """No room, or too much waits already. Trying again later may help."""
    MISMATCH = 0xA900
    """The data set is of another class, instance or study than was announced."""
    NOT_UNDERSTOOD = 0xC000
    """No DICOM, cut short, or without the UIDs that tell an instance."""
    CLASS_NOT_SUPPORTED = 0x0122
    """No image."""
    SYNTAX_NOT_SUPPORTED = 0xC122
    """Deflated."""


class HeadRefusedError(Exception):
    """The file is not kept, for ``reason``; what is known of it comes along."""

    def __init__(self, reason: Failure, head: "Head | None" = None) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.head = head


@dataclass(frozen=True, slots=True)
class Head:
    """The UIDs of an instance, as its sender wrote them."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


def read_head(path: Path) -> Head:
    """Read the UIDs of a DICOM file.

    Raises:
        HeadRefusedError: they cannot be read, or the instance is none that is kept.
    """
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start[128:132] != b"DICM":
        raise HeadRefusedError(Failure.NOT_UNDERSTOOD)
    try:
        syntax = read_file_meta_info(path).TransferSyntaxUID
        if UID(syntax).is_deflated:
            raise HeadRefusedError(Failure.SYNTAX_NOT_SUPPORTED)
        found = read_partial(io.BytesIO(start), stop_when=_behind, specific_tags=_TAGS)
        uids = [text(found, keyword) for keyword in _WANTED]
    except (
        InvalidDicomError,
        ValueError,
        TypeError,
        LookupError,
        NotImplementedError,
        AttributeError,
        OverflowError,
        OSError,
        EOFError,
        RecursionError,
    ) as error:
        raise HeadRefusedError(Failure.NOT_UNDERSTOOD) from error
    if not all(0 < len(uid) <= _LONGEST_UID and set(uid) <= set("0123456789.") for uid in uids):
        raise HeadRefusedError(Failure.NOT_UNDERSTOOD)
    head = Head(*uids)
    if not is_image_class(head.sop_class_uid):
        raise HeadRefusedError(Failure.CLASS_NOT_SUPPORTED, head)
    return head


def is_image_class(uid: str) -> bool:
    """Whether a SOP class is one of images."""
    name = UID(uid).name
    return name == uid or "Image Storage" in name  # an unknown class: intake will see


def _behind(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) > _SERIES_INSTANCE_UID
