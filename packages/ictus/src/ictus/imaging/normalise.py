"""From measured values to the three kinds of voxels that a canonical volume holds (``VoxelUnits``)."""

import numpy as np
from numpy.typing import NDArray

from ictus.domain.errors import InvalidValuesError

AIR = -1024
"""Hounsfield units given to what a CT did not measure (padding outside its circle)."""

NORMALISED_WHITE = 4095
_DENSER_THAN_TISSUE = 500
_PERCENTILES = (0.5, 99.5)
_SAMPLE = 2_000_000

Values = NDArray[np.float32]


def to_hounsfield(plane: Values, padded: NDArray[np.bool_] | None) -> NDArray[np.int16]:
    """(rows, columns) Hounsfield units, rounded; padding becomes air."""
    rounded = np.rint(plane).clip(-32768, 32767).astype(np.int16)
    if padded is not None:
        rounded[padded] = AIR
    return rounded


def to_normalised(values: Values, *, inverted: bool = False) -> NDArray[np.int16]:
    """Any shape, NaN where padded, to 0..4095 between the volume's own 0.5th and 99.5th percentile.

    ``values`` is overwritten. Padding becomes 0.

    Raises:
        InvalidValuesError: all values are the same.
    """
    return _scaled(values, _robust_range(values), NORMALISED_WHITE, inverted).astype(np.int16)


def to_display(
    values: Values, window: tuple[float, float] | None, *, inverted: bool = False
) -> NDArray[np.uint8]:
    """Any shape, NaN where padded, to 0..255 by window (centre, width) or, without one, by percentiles.

    ``values`` is overwritten.

    Raises:
        InvalidValuesError: all values are the same.
    """
    if window is None:
        limits = _robust_range(values)
    else:
        centre, width = window
        limits = (centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)  # PS3.3 C.11.2.1.2.1
    return _scaled(values, limits, 255, inverted).astype(np.uint8)


def refuse_constant(voxels: NDArray[np.int16] | NDArray[np.uint8]) -> None:
    """Make sure that a volume shows something.

    Raises:
        InvalidValuesError: all voxels are the same.
    """
    if voxels.min() == voxels.max():
        raise InvalidValuesError("The picture is blank: all its values are the same.")


def has_stored_inverse(hounsfield: NDArray[np.int16]) -> bool:
    """Whether a MONOCHROME1 CT was stored as a negative, air high and bone low.

    By the standard MONOCHROME1 changes how a value is shown, never the value. Some writers invert the
    stored values too; then what surrounds the patient is as dense as bone, which only a negative is.
    """
    border = np.concatenate(
        [
            hounsfield[:, 0].ravel(),
            hounsfield[:, -1].ravel(),
            hounsfield[..., 0].ravel(),
            hounsfield[..., -1].ravel(),
        ]
    )
    return bool(np.median(border) > _DENSER_THAN_TISSUE)


def negative(hounsfield: NDArray[np.int16], ends: int) -> NDArray[np.int16]:
    """The positive of a CT that was stored as a negative.

    ``ends`` is the sum of the two ends of the range that can be stored, in Hounsfield units: they change places.
    """
    return (ends - hounsfield.astype(np.int32)).clip(-32768, 32767).astype(np.int16)


def _robust_range(values: Values) -> tuple[float, float]:
    """The percentiles, from an even sample of at most two million voxels."""
    sample = values.ravel()[:: max(1, values.size // _SAMPLE)]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        raise InvalidValuesError("The picture is blank: none of its values was measured.")
    low, high = (float(edge) for edge in np.percentile(sample, _PERCENTILES))
    if not low < high:  # sparse: nearly all voxels have one value
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not low < high:
        raise InvalidValuesError("The picture is blank: all its values are the same.")
    return low, high


def _scaled(values: Values, limits: tuple[float, float], white: int, inverted: bool) -> Values:
    low, high = limits
    np.subtract(values, np.float32(low), out=values)
    np.multiply(values, np.float32(white / max(high - low, 1e-6)), out=values)
    np.clip(values, 0, white, out=values)
    np.rint(values, out=values)
    if inverted:
        np.subtract(np.float32(white), values, out=values)
    np.nan_to_num(values, copy=False, nan=0.0)
    return values
