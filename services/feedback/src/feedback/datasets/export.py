"""A dataset as one safetensors object: the same dataset is always the same bytes.

The format is an 8-byte little-endian length, a JSON header of that length that is padded with spaces to eight bytes, and
the tensors' bytes, widest type first, so that each is aligned.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from feedback.vectors import Float16
from ictus.domain.enums import Finding

_DTYPES: Final = {np.dtype("<i4"): "I32", np.dtype("<f2"): "F16", np.dtype("u1"): "U8"}
_ALIGNED_TO: Final = 8


@dataclass(frozen=True)
class Row:
    """One slice of one case. ``patient`` is whatever tells patients apart."""

    embedding: Float16
    label: Finding
    corrected: bool
    is_new: bool
    case: UUID
    patient: UUID
    reader: UUID


def dataset_bytes(rows: Sequence[Row]) -> bytes:
    """The object that ``ictus.contracts.cases`` describes, of rows in the dataset's order."""
    return safetensors(
        {
            "cases": _numbered([row.case for row in rows]),
            "patients": _numbered([row.patient for row in rows]),
            "readers": _numbered([row.reader for row in rows]),
            "embedding": np.stack([row.embedding for row in rows]).astype("<f2"),
            "labels": _flags([row.label is Finding.STROKE for row in rows]),
            "corrected": _flags([row.corrected for row in rows]),
            "new": _flags([row.is_new for row in rows]),
        }
    )


def safetensors(tensors: dict[str, NDArray[np.generic]]) -> bytes:
    """Write tensors in the order given, which is from wide types to narrow ones."""
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        data = np.ascontiguousarray(tensor).tobytes()
        header[name] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED_TO)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def _numbered(ids: Sequence[UUID]) -> NDArray[np.int32]:
    """Running numbers in order of first appearance: they say who is the same, and nothing else."""
    numbers: dict[UUID, int] = {}
    return np.array([numbers.setdefault(one, len(numbers)) for one in ids], dtype="<i4")


def _flags(values: Sequence[bool]) -> NDArray[np.uint8]:
    return np.array(values, dtype=np.uint8)
