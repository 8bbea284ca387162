"""What a stored DICOM file is made of: what the gateway reads of the descriptions that the intake child wrote.

``ictus.imaging.describe`` writes them in the sandbox, so that nobody behind it parses the file again. DICOMweb answers
from descriptions and ranged reads.
"""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ictus.domain.errors import MalformedFileError

MAX_DESCRIPTION_BYTES: Final = 32 * 1024**2
"""A description larger than this is refused: enhanced objects with thousands of frames have a few MiB."""

Uid = Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")]

DicomJson = dict[str, dict[str, Any]]
"""Attributes by the DICOM JSON Model (PS3.18 F.2): eight hexadecimal digits of the tag -> ``vr`` and ``Value``."""

ByteRange = tuple[int, int]
"""(offset, length) within the stored file."""


class StoredInstance(BaseModel):
    """A de-identified instance as it is stored.

    Attributes:
        rows, columns: 0 when it is no image.
        frames: NumberOfFrames.
        slices: the canonical slice that each frame became, -1 where it is in another series' volume.
        frame_ranges: for each frame the pieces of the file that, joined, are its bytes; None when they do not lie
            there in the open (no image, deflated files, frames that do not end on a byte).
        attributes: everything but the pixels.
    """

    model_config = ConfigDict(frozen=True)

    sop_instance_uid: Uid
    sop_class_uid: Uid
    transfer_syntax_uid: Uid
    instance_number: int | None
    rows: int = Field(ge=0)
    columns: int = Field(ge=0)
    frames: int = Field(ge=1)
    slices: tuple[int, ...] = ()
    frame_ranges: tuple[tuple[ByteRange, ...], ...] | None
    attributes: DicomJson


_DESCRIPTION: Final = TypeAdapter[StoredInstance | None](StoredInstance | None)


def read_description(path: Path) -> StoredInstance | None:
    """A description that the sandboxed child wrote; None when the file has no UIDs to be found by.

    Raises:
        MalformedFileError: it is too large or is no description.
    """
    if path.stat().st_size > MAX_DESCRIPTION_BYTES:
        raise MalformedFileError("The file's header is larger than this installation allows.")
    try:
        return _DESCRIPTION.validate_json(path.read_bytes())
    except ValueError as error:
        raise MalformedFileError from error
