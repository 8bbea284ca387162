"""Diffusion MR as if every slice had been exported alike: the network's three channels.

Where two classes were exported by two routes, a histogram tells them apart, and so would a network
(docs/decisions/0080, 0087). So each slice is brought to one frame, one outline, one distribution of grey and one energy of
detail at each scale, with one texture laid over all. What is left is where in the brain something is brighter or
darker than the rest. How much brighter it is, and how large the head was, is lost with the export: the price.

The channels are the slice itself, the difference of its halves, and what stands out at the scale of a lesion;
each goes through the same levelling. Everything works on 8-bit grey and in shares of the input's side.
"""

import zlib
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

_DARK: Final = 10
"""Grey levels up to this are air in any export."""
_OF_MEDIAN: Final = 0.45
"""What is this share as bright as the median of what is not air belongs to the head."""
_SEARCH_SIDE: Final = 144
_OPENING: Final = 5
"""Pixels of the search picture: speckle around the head and single lines are dropped."""
_ANGLES: Final = range(-16, 17, 4)
_SYMMETRY_SIDE: Final = 56
_MIDDLE: Final = 124.0
"""Grey level of the median; a deviation is ``_SPREAD`` levels, so that the brightest 0.05 % just fit."""
_SPREAD: Final = 38.0
_TEXTURE_SEED: Final = 87
_BINS: Final = 4096


class Harmonise(Params):
    """How slices of diffusion MR are levelled; lengths are shares of the input's side.

    Attributes:
        outline: the ellipse that is shown, as a share of the head's frame; the rest is black.
        taper: share of the outline over which a slice fades into one grey at its rim.
        sharpness: deviation of the low-pass that all slices go through.
        bands: deviation that each octave of detail from ``sharpness`` on is brought to, the last one being what is
            coarser; in deviations of the whole.
        rounds: how often bands and grey levels are levelled in turn.
        texture: median deviation of the noise laid over a slice, in grey levels.
        jitter: deviation, in natural logarithms, that each slice's bands, contrast and texture are drawn with. It drowns
            what levelling leaves over. The draw follows from the slice's pixels: the same slice, the same input.
        lesion: deviations of the two low-passes between which the third channel lies.
    """

    outline: float = Field(default=0.9, gt=0.5, le=1)
    taper: float = Field(default=0.04, gt=0, lt=0.5)
    sharpness: float = Field(default=0.006, gt=0, lt=0.1)
    bands: tuple[float, ...] = Field(default=(0.40, 0.50, 0.55, 0.45, 0.25), min_length=2)
    rounds: int = Field(default=4, ge=0, le=10)
    texture: float = Field(default=5.0, ge=0)
    jitter: float = Field(default=0.3, ge=0, lt=1)
    lesion: tuple[float, float] = (0.012, 0.06)


def head_frame(picture: UInt8) -> tuple[int, int, int, int]:
    """The upright box around the head as (top, left, bottom, right), end exclusive; the whole slice if none is seen.

    The level that parts head from air follows the slice's own median, so that a dark export has the same frame.

    Args:
        picture: (rows, columns) uint8.
    """
    rows, columns = picture.shape
    step = max(1, -(-max(rows, columns) // _SEARCH_SIDE))
    small = cv2.blur(np.ascontiguousarray(picture[step // 2 :: step, step // 2 :: step]), (3, 3))
    tissue = small[small > _DARK]
    if not len(tissue):
        return 0, 0, rows, columns
    mask = (small > max(_DARK, _OF_MEDIAN * float(np.median(tissue)))).astype(np.uint8)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_OPENING, _OPENING))
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, element)
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        return 0, 0, rows, columns
    left, top, width, height = (
        int(v) * step for v in stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), :4]
    )
    return top, left, min(rows, top + height), min(columns, left + width)


def harmonised_channels(grey: UInt8, params: Harmonise) -> tuple[UInt8, UInt8, UInt8]:
    """Slice, difference of halves and what stands out, each levelled.

    Args:
        grey: (side, side) uint8, the slice cut to ``head_frame`` and resized.
        params: the manifest's.

    Returns:
        (side, side) uint8 three times, 0 outside the outline.
    """
    side = len(grey)
    random = np.random.default_rng([_TEXTURE_SEED, zlib.crc32(np.ascontiguousarray(grey).tobytes())])
    inside = outline(side, params)
    first = _levelled(grey.astype(np.float32), inside, params, random)
    fine, coarse = (_within(first, inside, sigma * side) for sigma in params.lesion)
    second = _levelled(_halves(fine, inside), inside, params, random)
    third = _levelled(fine - coarse, inside, params, random)
    return _shown(first, params, random), _shown(second, params, random), _shown(third, params, random)


def outline(side: int, params: Harmonise) -> Bool:
    """(side, side) bool: the ellipse in which a slice is shown, the same for all."""
    return _ellipse(side, params.outline)


def _levelled(values: Float32, inside: Bool, params: Harmonise, random: np.random.Generator) -> Float32:
    """Deviations from the median: normal scores with the stated energy in each band; 0 outside."""
    side = len(values)
    level = _scores(_within(values, inside, params.sharpness * side), inside)
    bands = np.array(params.bands) * np.exp(random.normal(0, params.jitter, len(params.bands)))
    for _ in range(params.rounds):
        rest, joined = _within(level, inside, params.sharpness * side), np.zeros_like(level)
        for octave, wanted in enumerate(bands):
            last = octave == len(bands) - 1
            coarser = (
                np.zeros_like(rest)
                if last
                else _within(rest, inside, params.sharpness * side * 2 ** (octave + 1))
            )
            band = rest - coarser
            found = float(band[inside].std())
            joined += band * (wanted / max(found, 1e-3))
            rest = coarser
        level = _scores(joined, inside)
    return level


def _scores(values: Float32, inside: Bool) -> Float32:
    """Values replaced by the normal scores of their ranks within the outline; 0 outside.

    Ranks are read off a fine histogram: a sort would take six times as long.
    """
    chosen = values[inside]
    low, high = float(chosen.min()), float(chosen.max())
    bins = ((chosen - low) * ((_BINS - 1) / max(high - low, 1e-6))).astype(np.int32)
    counts = np.bincount(bins, minlength=_BINS)
    below = np.cumsum(counts) - counts / 2
    scores = np.interp(below / len(chosen), *_normal_quantiles()).astype(np.float32)
    ranked = np.zeros_like(values)
    ranked[inside] = scores[bins]
    return ranked


def _within(values: Float32, inside: Bool, sigma: float) -> Float32:
    """Gaussian mean over what lies inside the outline; 0 outside."""
    # A wide mean changes little from pixel to pixel: taken on a smaller picture it costs a tenth.
    step = max(1, 1 << int(np.log2(max(1.0, sigma / 3))))
    total = _smooth(values * inside, sigma, step) / _smooth(inside.astype(np.float32), sigma, step)
    if step > 1:
        total = np.asarray(cv2.resize(total, values.shape, interpolation=cv2.INTER_LINEAR))
    return np.asarray(total * inside, dtype=np.float32)


def _smooth(values: Float32, sigma: float, step: int) -> Float32:
    if step > 1:
        small = (len(values) // step, len(values) // step)
        values = np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma / step) + 1e-6, dtype=np.float32)


def _halves(values: Float32, inside: Bool) -> Float32:
    """Each place minus its mirror image, after the head was turned upright."""
    side = len(values)
    small = np.asarray(cv2.resize(values, (_SYMMETRY_SIDE, _SYMMETRY_SIDE), interpolation=cv2.INTER_AREA))
    scores = []
    for angle in _ANGLES:
        turned = cv2.warpAffine(small, _turn(angle, _SYMMETRY_SIDE), small.shape)
        scores.append(float((turned * turned[:, ::-1]).sum()))
    turn = _turn(_ANGLES[int(np.argmax(scores))], side)
    upright = cv2.warpAffine(values, turn, (side, side))
    difference = upright - upright[:, ::-1]
    back = cv2.warpAffine(difference, cv2.invertAffineTransform(turn), (side, side))
    return np.asarray(back * inside, dtype=np.float32)


def _turn(angle: int, side: int) -> Float32:
    middle = (side - 1) / 2
    return np.asarray(cv2.getRotationMatrix2D((middle, middle), angle, 1.0), dtype=np.float32)


def _shown(level: Float32, params: Harmonise, random: np.random.Generator) -> UInt8:
    """(side, side) uint8: the levelled slice, fading into grey at its outline, under its texture."""
    contrast, texture = np.exp(random.normal(0, params.jitter, 2))
    shift = random.normal(0, params.jitter)
    noise = random.standard_normal(level.shape, dtype=np.float32)
    faded = (level * contrast**0.5 + shift) * _fading(len(level), params.outline, params.taper)
    grey = _MIDDLE + _SPREAD * faded + params.texture * texture * noise
    inside = _ellipse(len(level), params.outline)
    return np.asarray(np.clip(np.rint(grey), 1, 255) * inside, dtype=np.uint8)


@cache
def _ellipse(side: int, share: float) -> Bool:
    places = (np.arange(side) - (side - 1) / 2) / (side / 2 * share)
    inside: Bool = places[:, None] ** 2 + places[None, :] ** 2 <= 1
    inside.flags.writeable = False
    return inside


@cache
def _fading(side: int, share: float, taper: float) -> Float32:
    """(side, side) 1 inside, 0 from the ellipse on outwards."""
    places = (np.arange(side) - (side - 1) / 2) / (side / 2 * share)
    distance = np.sqrt(places[:, None] ** 2 + places[None, :] ** 2)
    fading: Float32 = np.clip((1 - distance) / taper, 0, 1).astype(np.float32)
    fading.flags.writeable = False
    return fading


@cache
def _normal_quantiles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of a standard normal distribution, ascending, and the deviations that they lie below."""
    from statistics import NormalDist  # noqa: PLC0415

    shares = (np.arange(_BINS) + 0.5) / _BINS
    return shares, np.array([NormalDist().inv_cdf(share) for share in shares])
