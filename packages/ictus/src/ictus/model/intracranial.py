"""What lies inside the skull, made easy to see: the network's second and third channel.

A bleed is some ten Hounsfield units brighter than brain, next to bone that is a thousand brighter, and it is
mostly on one side. So beside the slice itself the network is shown the inside of the skull alone, its contrast
stretched around the brain's own median (which takes out how a site exports its pictures), and the smoothed
difference of its two halves. Both were tried by cross-validation: docs/decisions/0084.

All of it works on 8-bit grey, after window, crop and resize; the grey level of bone and the widths below are
in those units.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

BALANCED: Final = 128
"""Grey level of the third channel where both halves are alike, and where nothing was compared."""

_COARSE_SIDE: Final = 112
"""The region is found on a picture this wide: a gap in the skull is closed by a small structuring element."""
_CLOSING_RADII: Final = (0, 1, 3, 5, 8, 11)
"""Gaps in the skull (sutures, fractures, foramina) are closed by the first radius that encloses a brain."""
_ENCLOSED: Final = 0.12
"""Share of the crop from which an enclosed region counts as a brain."""
_LARGE_PART: Final = 0.15
"""Parts of the region smaller than this share of its largest one are dropped (sinuses, orbits)."""
_ANGLES: Final = range(-40, 41, 5)
_SYMMETRY_SIDE: Final = 64
_UPRIGHT_BONUS: Final = 5e-4
"""Taken from the overlap for each degree, so that a round head is not turned by chance."""
_SOFT_TISSUE: Final = (30, 235)
"""Grey levels that the median is taken over: neither air nor bone."""
_FEW: Final = 50


class Intracranial(Params):
    """How the inside of the skull is shown."""

    bone: int = Field(default=235, ge=1, le=255, description="Grey level from which a pixel is bone.")
    minimum_share: float = Field(
        default=0.04, gt=0, lt=1, description="A smaller region (face, vertex) is not shown at all."
    )
    median_level: float = Field(default=90, ge=0, le=255, description="What the brain's median becomes.")
    stretch: float = Field(default=2.2, gt=0, description="Contrast around the median.")
    smoothing: float = Field(default=0.012, gt=0, description="Of the halves, as a share of the side.")
    difference_gain: float = Field(default=1.5, gt=0)


def intracranial_channels(grey: UInt8, params: Intracranial) -> tuple[UInt8, UInt8]:
    """The inside of the skull, stretched, and the difference of its halves.

    Args:
        grey: (side, side) uint8, the cropped slice.
        params: the manifest's.

    Returns:
        (side, side) uint8 twice: 0 outside the region; ``BALANCED`` outside and where no mirror is.
    """
    region = inside_of_skull(grey, params)
    if region is None:
        return np.zeros_like(grey), np.full_like(grey, BALANCED)
    # Off the rim that skull and brain share.
    inside = np.asarray(cv2.erode(region, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    values = grey[(inside > 0) & (grey > _SOFT_TISSUE[0]) & (grey < _SOFT_TISSUE[1])]
    median = float(np.median(values)) if len(values) > _FEW else params.median_level
    levels = np.clip((np.arange(256) - median) * params.stretch + params.median_level, 0, 255)
    shown = np.asarray(levels.astype(np.uint8)[grey] * inside, dtype=np.uint8)
    return shown, _difference(shown, inside, params)


def inside_of_skull(grey: UInt8, params: Intracranial) -> UInt8 | None:
    """The region enclosed by bone.

    Args:
        grey: (side, side) uint8, the cropped slice.
        params: the manifest's.

    Returns:
        (side, side) uint8, 1 inside; None where no region is large enough.
    """
    side = len(grey)
    small = cv2.resize(grey, (_COARSE_SIDE, _COARSE_SIDE), interpolation=cv2.INTER_AREA)
    skull = _large_bone((small >= params.bone).astype(np.uint8))
    if skull is None:
        return None
    coarse = _large_parts(_enclosed(np.asarray(small, dtype=np.uint8), skull))
    if coarse.mean() < params.minimum_share:
        return None
    grown = cv2.dilate(coarse, np.ones((3, 3), np.uint8))
    region = np.asarray(cv2.resize(grown, (side, side), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return _large_parts(region & (grey < params.bone).astype(np.uint8))


def _large_bone(bone: UInt8) -> UInt8 | None:
    """The skull and what else of bone is no speck."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bone, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = (areas == areas.max()) | (areas > 0.002 * bone.size)
    return np.isin(labels, 1 + np.flatnonzero(large)).astype(np.uint8)


def _enclosed(grey: UInt8, skull: UInt8) -> UInt8:
    """What a flood from outside does not reach, with gaps closed as far as needed."""
    best = np.zeros_like(skull)
    for radius in _CLOSING_RADII:
        inside = _unreached(_closed(skull, radius)) & (1 - skull)
        inside = np.asarray(
            cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), dtype=np.uint8
        )
        if inside.mean() > _ENCLOSED:
            return inside
        if inside.mean() > best.mean():
            best = inside
    # A large part of the skull is missing, as after a craniectomy: what lies between the bones instead.
    hull = np.zeros_like(skull)
    points = np.argwhere(skull)[:, ::-1].astype(np.int32)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    soft = hull & (1 - skull) & (grey > _SOFT_TISSUE[0]).astype(np.uint8)
    between = np.asarray(cv2.morphologyEx(soft, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    return between if between.mean() > _ENCLOSED else best


def _closed(skull: UInt8, radius: int) -> UInt8:
    if not radius:
        return skull
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    framed = cv2.copyMakeBorder(skull, radius, radius, radius, radius, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, element)
    return np.asarray(closed[radius:-radius, radius:-radius], dtype=np.uint8)


def _unreached(walls: UInt8) -> UInt8:
    framed = cv2.copyMakeBorder(walls, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(framed, None, (0, 0), 2)
    return np.asarray(framed[1:-1, 1:-1] != 2, dtype=np.uint8)


def _large_parts(region: UInt8) -> UInt8:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
    if count < 2:
        return region
    areas = stats[1:, cv2.CC_STAT_AREA]
    return np.isin(labels, 1 + np.flatnonzero(areas > _LARGE_PART * areas.max())).astype(np.uint8)


def _difference(shown: UInt8, inside: UInt8, params: Intracranial) -> UInt8:
    """Each place minus its mirror image, both smoothed within the region."""
    side = len(shown)
    sigma = params.smoothing * side
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma) + 1e-3
    smooth = cv2.GaussianBlur(shown.astype(np.float32), (0, 0), sigma) / weight
    upright = _upright(inside)
    turned = cv2.warpAffine(smooth, upright, (side, side))
    present = cv2.warpAffine(inside, upright, (side, side))
    both = present * present[:, ::-1]
    difference = (turned - turned[:, ::-1]) * both * params.difference_gain
    back = cv2.warpAffine(difference, cv2.invertAffineTransform(upright), (side, side))
    return np.clip(back + BALANCED, 0, 255).astype(np.uint8)


def _upright(inside: UInt8) -> Float32:
    """The (2, 3) affine map that puts the region's axis of symmetry on the middle column."""
    side = len(inside)
    coarse = (_SYMMETRY_SIDE, _SYMMETRY_SIDE)
    small = np.asarray(cv2.resize(inside, coarse, interpolation=cv2.INTER_AREA), dtype=np.bool_)
    rows, columns = np.nonzero(small)
    centre = (float(columns.mean()), float(rows.mean())) if len(rows) else (31.5, 31.5)
    overlaps = [_overlap(small, centre, angle) - _UPRIGHT_BONUS * abs(angle) for angle in _ANGLES]
    angle = _ANGLES[int(np.argmax(overlaps))]
    scale = side / _SYMMETRY_SIDE
    return _turn((centre[0] * scale + (scale - 1) / 2, centre[1] * scale + (scale - 1) / 2), angle, side)


def _overlap(region: NDArray[np.bool_], centre: tuple[float, float], angle: int) -> float:
    turn = _turn(centre, angle, _SYMMETRY_SIDE)
    turned = cv2.warpAffine(region.astype(np.uint8), turn, region.shape) > 0
    mirrored = turned[:, ::-1]
    return float((turned & mirrored).sum() / max(1, int((turned | mirrored).sum())))


def _turn(centre: tuple[float, float], angle: int, side: int) -> Float32:
    """Turn about ``centre`` and move it to the middle of a square."""
    turn = np.asarray(cv2.getRotationMatrix2D(centre, angle, 1.0), dtype=np.float32)
    turn[:, 2] += ((side - 1) / 2 - centre[0], (side - 1) / 2 - centre[1])
    return turn
