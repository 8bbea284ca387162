"""How a plane is turned so that radiologists see it as they expect, and in which order planes are stacked.

The patient system is DICOM's: x to the patient's left, y to the back, z up (PS3.3 C.7.6.2.1.1).
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Value = TypeVar("Value", bound=np.generic)


class PlaneKind(Enum):
    """The plane that a stack comes nearest to, with the axes along which columns and rows should increase."""

    AXIAL = (0, +1, 1, +1)
    CORONAL = (0, +1, 2, -1)
    SAGITTAL = (1, +1, 2, -1)


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do to (rows, columns) planes, in this order: transpose, then flip."""

    kind: PlaneKind
    transpose: bool
    flip_rows: bool
    flip_columns: bool

    @property
    def changes(self) -> bool:
        """Whether the plane is not shown as it is stored."""
        return self.transpose or self.flip_rows or self.flip_columns

    def apply(self, plane: NDArray[Value]) -> NDArray[Value]:
        """The plane as it should be shown; a view."""
        turned = plane.T if self.transpose else plane
        return turned[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def undo(self, shown: NDArray[Value]) -> NDArray[Value]:
        """The plane as it is stored, from the plane as ``apply`` shows it; a view."""
        flipped = shown[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        return flipped.T if self.transpose else flipped


def turn_for(orientation: tuple[float, ...]) -> Turn:
    """How to turn planes of this ImageOrientationPatient (row direction, then column direction)."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    kind = {0: PlaneKind.SAGITTAL, 1: PlaneKind.CORONAL, 2: PlaneKind.AXIAL}[
        int(np.abs(np.cross(row, column)).argmax())
    ]
    across_axis, across_sign, down_axis, down_sign = kind.value
    transpose = abs(row[across_axis]) < abs(row[down_axis])
    across, down = (column, row) if transpose else (row, column)
    return Turn(
        kind,
        transpose,
        flip_rows=bool(down[down_axis] * down_sign < 0),
        flip_columns=bool(across[across_axis] * across_sign < 0),
    )


def stacking_direction(orientation: tuple[float, ...]) -> Array:
    """Unit normal along which slices are stacked: upwards for axial, backwards for coronal, leftwards for sagittal.

    Raises:
        ValueError: the two directions do not span a plane.
    """
    normal = np.cross(np.array(orientation[:3]), np.array(orientation[3:]))
    length = float(np.linalg.norm(normal))
    if not 0.5 < length < 2:
        raise ValueError("the orientation is no plane")
    normal = normal / length
    return normal if normal[np.abs(normal).argmax()] > 0 else -normal
