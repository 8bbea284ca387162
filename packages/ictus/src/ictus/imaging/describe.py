"""Describing a stored DICOM file, in the sandbox: its attributes as DICOM JSON, and where each frame's bytes lie.

The gateway reads the descriptions with ``ictus.imaging.stored``, which says what the fields mean.
"""

import json
import math
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.dataset import Dataset
from pydicom.uid import UID

from ictus.imaging.dicom import read_header, text

_Range = tuple[int, int]
_MOST_DIGITS = 10  # an IS value (PS3.5 6.2) that fits the database's integer


def describe(source: Path, target: Path, slices: tuple[int, ...]) -> None:
    """Describe the stored file ``source`` in the file ``target``; ``null`` when it has no UIDs to be found by.

    Args:
        source: a de-identified file.
        target: is written.
        slices: the canonical slice of each frame.
    """
    with source.open("rb") as file:
        header, _ = read_header(file)
        syntax = header.file_meta.TransferSyntaxUID
        ranges = _frame_ranges(file, header, syntax) if "Rows" in header else None
    stated = text(header, "InstanceNumber")
    described = {
        "sop_instance_uid": text(header, "SOPInstanceUID"),
        "sop_class_uid": text(header, "SOPClassUID"),
        "transfer_syntax_uid": str(syntax),
        "instance_number": int(stated) if stated.isdecimal() and len(stated) < _MOST_DIGITS else None,
        "rows": int(header.get("Rows", 0)),
        "columns": int(header.get("Columns", 0)),
        "frames": int(text(header, "NumberOfFrames") or 1),
        "slices": slices,
        "frame_ranges": ranges,
        "attributes": _storable(header.to_json_dict(suppress_invalid_tags=True)),
    }
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
    findable = all(text(header, keyword) for keyword in uids)
    target.write_text(json.dumps(described if findable else None, allow_nan=False, separators=(",", ":")))


def _storable(value: Any) -> Any:
    """JSON that PostgreSQL keeps: no NUL, no half of a surrogate pair, no number that is none."""
    if isinstance(value, dict):
        return {key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _frame_ranges(file: BinaryIO, header: Dataset, syntax: UID) -> tuple[tuple[_Range, ...], ...] | None:
    """Where the frames lie; ``file`` stands at the pixels' element."""
    if syntax.is_deflated:
        return None
    file.seek(8 if syntax.is_implicit_VR else 12, 1)
    count = int(header.get("NumberOfFrames") or 1)
    if syntax.is_encapsulated:
        return _encapsulated(file, count)
    subsampled = header.PhotometricInterpretation == "YBR_FULL_422"
    samples = 2 if subsampled else int(header.get("SamplesPerPixel", 1))
    bits = int(header.Rows) * int(header.Columns) * samples * int(header.BitsAllocated)
    if bits % 8:
        return None
    start = file.tell()
    return tuple(((start + number * (bits // 8), bits // 8),) for number in range(count))


def _encapsulated(file: BinaryIO, count: int) -> tuple[tuple[_Range, ...], ...] | None:
    """Fragments by frame (PS3.5 A.4); None when it cannot be told which fragment belongs to which frame."""
    table = b""
    fragments: list[
        tuple[int, _Range]
    ] = []  # (offset of the item as the basic offset table counts it, its value)
    first_item: int | None = None
    while len(head := file.read(8)) == 8:
        tag, length = head[:4], int.from_bytes(head[4:], "little")
        if tag != b"\xfe\xff\x00\xe0":
            break
        at = file.tell()
        if first_item is None:
            table = file.read(length)
            first_item = file.tell()
        else:
            fragments.append((at - 8 - first_item, (at, length)))
            file.seek(length, 1)
    if count == 1 and fragments:
        return (tuple(place for _, place in fragments),)
    if len(fragments) == count:
        return tuple((place,) for _, place in fragments)
    starts = [int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4)]
    if len(starts) != count:
        return None
    ends = [*starts[1:], 1 << 62]
    return tuple(
        tuple(place for offset, place in fragments if start <= offset < end)
        for start, end in zip(starts, ends, strict=True)
    )
