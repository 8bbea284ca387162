"""The canonical volume: what every part behind intake reads, whatever the upload was.

It is stored as one safetensors object. The voxels lie uncompressed in slice order behind a short
header, so that a viewer's slice is one ranged read of the object store (``SliceLayout``).
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import MalformedFileError

FORMAT_VERSION = 1
HEAD_BYTES = 4096
"""A canonical volume's header always ends within this many bytes."""

_DTYPES: dict[str, np.dtype[np.int16] | np.dtype[np.uint8]] = {
    "I16": np.dtype("<i2"),
    "U8": np.dtype("u1"),
}
_METADATA_KEY = "ictus"

Voxels = NDArray[np.int16] | NDArray[np.uint8]


class VoxelUnits(StrEnum):
    """What a voxel's number means."""

    HOUNSFIELD = "hounsfield"
    """int16, Hounsfield units: CT with a header."""
    NORMALISED = "normalised"
    """int16, 0..4095 between the volume's own 0.5th and 99.5th percentile: MR with a header."""
    DISPLAY = "display"
    """uint8, 0 black .. 255 white as a screen would show it: pictures, and DICOM that is neither CT nor MR."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One series, ready for preprocessing. Nothing in it identifies the patient.

    Attributes:
        voxels: (slices, rows, columns), int16 or uint8 according to ``units``. Axial volumes start with the
            most inferior slice and are shown as radiologists read: the patient's right is column 0, anterior
            is row 0. A colour source has been reduced to grey.
        spacing_mm: distance between (slices, rows, columns) in millimetres; None when the source has none.
        body_part: BodyPartExamined as the sender stated it, upper case, one of the standard's terms.
        colourfulness: 0 for a grey source .. 1 for one of pure colours; a photograph has more than a scan.
        modality_stated: True when the header or the sender stated the modality, False when it was guessed
            from the picture.
    """

    voxels: Voxels
    modality: Modality
    source_format: SourceFormat
    units: VoxelUnits
    spacing_mm: tuple[float, float, float] | None = None
    body_part: str | None = None
    colourfulness: float = 0.0
    modality_stated: bool = True

    def __post_init__(self) -> None:
        expected = np.uint8 if self.units is VoxelUnits.DISPLAY else np.int16
        if self.voxels.ndim != 3 or self.voxels.dtype != expected or not self.voxels.size:
            raise ValueError(f"{self.units} voxels must be a non-empty 3-D {np.dtype(expected)} array")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns

    def to_bytes(self) -> bytes:
        """The safetensors object; the same volume always gives the same bytes."""
        from safetensors.numpy import save  # noqa: PLC0415 (keeps the intake child's start fast)

        return save({"voxels": np.ascontiguousarray(self.voxels)}, metadata=self._metadata())

    def write(self, path: Path) -> None:
        """Write what ``to_bytes`` gives, with one copy of the voxels less in memory."""
        from safetensors.numpy import save_file  # noqa: PLC0415

        save_file({"voxels": np.ascontiguousarray(self.voxels)}, path, metadata=self._metadata())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a safetensors object made by ``to_bytes``; its voxels are a read-only view of ``data``.

        Raises:
            MalformedFileError: this is no canonical volume.
        """
        layout = SliceLayout.from_head(data)
        count = int(np.prod(layout.shape))
        if len(data) != layout.data_offset + count * layout.dtype.itemsize:
            raise MalformedFileError("The stored volume is cut short.")
        voxels = np.frombuffer(data, layout.dtype, count, layout.data_offset).reshape(layout.shape)
        return cls(cast("Voxels", voxels), *_described(_json_header(data)[1]))

    def _metadata(self) -> dict[str, str]:
        # safetensors writes several metadata keys in a random order; one key keeps the bytes reproducible.
        described = {
            "version": FORMAT_VERSION,
            "modality": self.modality,
            "source_format": self.source_format,
            "units": self.units,
            "spacing_mm": self.spacing_mm,
            "body_part": self.body_part,
            "colourfulness": round(self.colourfulness, 4),
            "modality_stated": self.modality_stated,
        }
        return {_METADATA_KEY: json.dumps(described, sort_keys=True, separators=(",", ":"))}


@dataclass(frozen=True, slots=True)
class SliceLayout:
    """Where the slices lie in a stored volume, so that one can be fetched by a ranged read."""

    data_offset: int
    dtype: np.dtype[np.int16] | np.dtype[np.uint8]
    shape: tuple[int, int, int]

    @classmethod
    def from_head(cls, head: bytes) -> Self:
        """Read the layout from a stored volume's first ``HEAD_BYTES`` bytes.

        Raises:
            MalformedFileError: this is no canonical volume.
        """
        offset, header = _json_header(head)
        try:
            tensor = header["voxels"]
            slices, rows, columns = tensor["shape"]
            return cls(offset, _DTYPES[tensor["dtype"]], (int(slices), int(rows), int(columns)))
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedFileError("This is not a canonical volume.") from error

    @property
    def slice_bytes(self) -> int:
        """Bytes of one slice."""
        return self.shape[1] * self.shape[2] * self.dtype.itemsize

    def slice_range(self, index: int) -> tuple[int, int]:
        """(offset, length) in bytes of slice ``index``: row-major little-endian voxels.

        Raises:
            IndexError: there is no such slice.
        """
        if not 0 <= index < self.shape[0]:
            raise IndexError(index)
        return self.data_offset + index * self.slice_bytes, self.slice_bytes


def _json_header(data: bytes) -> tuple[int, dict[str, Any]]:
    """(offset of the voxels, safetensors JSON header)."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > HEAD_BYTES - 8 or len(data) < 8 + length:
        raise MalformedFileError("This is not a canonical volume.")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise MalformedFileError("This is not a canonical volume.") from error
    if not isinstance(header, dict):
        raise MalformedFileError("This is not a canonical volume.")
    return 8 + length, header


def _described(
    header: dict[str, Any],
) -> tuple[Modality, SourceFormat, VoxelUnits, tuple[float, float, float] | None, str | None, float, bool]:
    """The fields of ``Volume`` after ``voxels``, in their order."""
    try:
        stored = json.loads(header["__metadata__"][_METADATA_KEY])
        if stored["version"] != FORMAT_VERSION:
            raise MalformedFileError(f"The stored volume has format version {stored['version']}.")
        spacing = stored["spacing_mm"]
        return (
            Modality(stored["modality"]),
            SourceFormat(stored["source_format"]),
            VoxelUnits(stored["units"]),
            (float(spacing[0]), float(spacing[1]), float(spacing[2])) if spacing else None,
            stored["body_part"],
            float(stored["colourfulness"]),
            bool(stored["modality_stated"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MalformedFileError("This is not a canonical volume.") from error
