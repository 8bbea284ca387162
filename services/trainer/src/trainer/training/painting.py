"""Bleeds painted into slices that show none: examples that look like their patient and yet differ in the label.

In a data set of few patients a network can tell who bleeds by what else the patient's slices have in common.
A painted bleed on a slice of any patient breaks that: nothing but the bleed tells the two apart. The kinds are
those of the neuroradiological textbook (epidural, subdural, parenchymal, subarachnoid, intraventricular); shape,
place, size and density are drawn. They teach; they never test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.model.intracranial import Intracranial, inside_of_skull
from ictus.model.preprocess import PreprocessParams, enhance, head_box, project_to_slice

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Random = np.random.Generator

_SIDE: Final = 256
"""Of the crop that is painted on; lengths below are in its pixels."""
_LEAST_SHARE: Final = 0.20
"""Of the crop that the inside of the skull must fill: no bleed is painted into a face or a vertex."""
_LEAST_PAINT: Final = 200.0
"""Sum of the opacity from which a bleed can be seen."""
_DENSITY: Final = (25.0, 70.0)
"""Grey levels above the brain's median: some 12 to 33 Hounsfield units in a window 120 wide."""
_BRIGHTEST: Final = 235.0
"""Blood never looks like bone."""
_ATTEMPTS: Final = 8


@dataclass(frozen=True)
class _Canvas:
    """The inside of a skull to paint on; all pictures are (_SIDE, _SIDE).

    Attributes:
        grey: the crop, smoothed a little.
        region: 1 inside the skull.
        depth: pixels to the skull's inner side.
        angle: radians around the middle of the region.
        x: columns.
        y: rows.
        middle: column and row of the region's middle.
        radius: of a circle as large as the region.
        median: grey level of the brain.
        texture: soft random field of unit deviation.
    """

    grey: Float32
    region: Float32
    depth: Float32
    angle: Float32
    x: Float32
    y: Float32
    middle: tuple[float, float]
    radius: float
    median: float
    texture: Float32


def paint_bleed(picture: UInt8, preprocess: PreprocessParams, random: Random) -> UInt8 | None:
    """Paint a bleed of a drawn kind into a slice without one.

    Args:
        picture: (rows, columns) uint8, a head CT slice at the recipe's picture window.
        preprocess: how the head and the inside of its skull are found.
        random: draws everything.

    Returns:
        (rows, columns) uint8; None where the slice shows too little of the inside of a skull.
    """
    box = head_box(picture, preprocess.crop)
    crop = enhance(picture, box, PreprocessParams(size=_SIDE))
    canvas = _canvas(crop, preprocess.intracranial or Intracranial(), random)
    if canvas is None:
        return None
    kinds, chances = zip(*_KINDS.values(), strict=True)
    for _ in range(_ATTEMPTS):
        paint = kinds[int(random.choice(len(kinds), p=chances))]
        opacity = paint(canvas, random) * canvas.region
        opacity = cv2.GaussianBlur(opacity, (0, 0), float(random.uniform(0.6, 1.5))) * canvas.region
        if opacity.sum() >= _LEAST_PAINT:
            added = _added(canvas, opacity.astype(np.float32), random, oedema=paint is _parenchymal)
            laid = project_to_slice(added, box, *picture.shape)
            painted = np.clip(picture + laid, 0, _BRIGHTEST)
            return np.where((picture < _BRIGHTEST) & (laid != 0), painted, picture).astype(np.uint8)
    return None


def _canvas(crop: UInt8, params: Intracranial, random: Random) -> _Canvas | None:
    inside = inside_of_skull(crop, params)
    if inside is None:
        return None
    opened = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return None
    region = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    if region.mean() < _LEAST_SHARE:
        return None
    rows, columns = np.nonzero(region)
    middle = float(columns.mean()), float(rows.mean())
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    field = random.standard_normal((_SIDE, _SIDE), np.float32)
    texture = cv2.GaussianBlur(field, (0, 0), float(random.uniform(3, 8)))
    return _Canvas(
        grey=np.asarray(cv2.GaussianBlur(crop.astype(np.float32), (0, 0), 1.5), dtype=np.float32),
        region=region.astype(np.float32),
        depth=np.asarray(cv2.distanceTransform(region, cv2.DIST_L2, 5), dtype=np.float32),
        angle=np.arctan2(y - middle[1], x - middle[0]),
        x=x,
        y=y,
        middle=middle,
        radius=float(np.sqrt(region.sum() / np.pi)),
        median=float(np.median(crop[region > 0])),
        texture=np.asarray(texture / texture.std(), dtype=np.float32),
    )


def _epidural(canvas: _Canvas, random: Random) -> Float32:
    """A lens against the skull."""
    half_width, thickness = random.uniform(0.18, 0.55), random.uniform(0.06, 0.28) * canvas.radius
    along = _around(canvas, random) / half_width
    return _against_skull(canvas, thickness * np.sqrt(np.clip(1 - along**2, 0, 1)))


def _subdural(canvas: _Canvas, random: Random) -> Float32:
    """A crescent along the skull."""
    half_width, thickness = random.uniform(0.5, 1.4), random.uniform(0.035, 0.13) * canvas.radius
    along = _around(canvas, random) / half_width
    return _against_skull(canvas, thickness * np.clip(1 - along**2, 0, 1) ** 0.4)


def _parenchymal(canvas: _Canvas, random: Random) -> Float32:
    """One clot in the brain, or some contusions."""
    opacity = np.zeros_like(canvas.grey)
    clots = 1 if random.random() < 0.75 else int(random.integers(2, 5))
    places = np.argwhere(canvas.depth > 0.12 * canvas.radius)
    for _ in range(clots):
        row, column = places[int(random.integers(len(places)))]
        long = random.uniform(0.05, 0.22) * canvas.radius * (1.0 if clots == 1 else 0.6)
        short, turn = long * random.uniform(0.5, 1), random.uniform(0, np.pi)
        right, down = canvas.x - float(column), canvas.y - float(row)
        along = (right * np.cos(turn) + down * np.sin(turn)) / long
        across = (down * np.cos(turn) - right * np.sin(turn)) / short
        distance = np.sqrt(along**2 + across**2) + 0.15 * canvas.texture
        opacity = np.maximum(opacity, np.clip((1 - distance) * random.uniform(2, 6) + 0.5, 0, 1))
    return np.asarray(opacity, dtype=np.float32)


def _subarachnoid(canvas: _Canvas, random: Random) -> Float32:
    """Blood in the sulci of one part of the surface."""
    fluid = np.clip((canvas.median - 4 - canvas.grey) / 15, 0, 1)
    along = np.abs(_around(canvas, random))
    superficial = np.clip((0.45 * canvas.radius - canvas.depth) / (0.15 * canvas.radius), 0, 1)
    here = np.clip((random.uniform(0.4, 1.2) - along) / 0.2, 0, 1)
    return np.asarray(np.clip(1.3 * fluid, 0, 1) * here * superficial, dtype=np.float32)


def _intraventricular(canvas: _Canvas, random: Random) -> Float32:
    """Blood that has settled at the back of the ventricles, which is below in an axial slice."""
    fluid = np.clip((canvas.median - 18 - canvas.grey) / 12, 0, 1)
    central = np.clip((canvas.depth - 0.25 * canvas.radius) / (0.1 * canvas.radius), 0, 1)
    level = canvas.middle[1] + random.uniform(-0.3, 0.2) * canvas.radius
    return np.asarray(fluid * central * np.clip((canvas.y - level) / 8, 0, 1), dtype=np.float32)


_KINDS: Final[dict[str, tuple[Callable[[_Canvas, Random], Float32], float]]] = {
    "epidural": (_epidural, 0.34),
    "subdural": (_subdural, 0.20),
    "parenchymal": (_parenchymal, 0.27),
    "subarachnoid": (_subarachnoid, 0.12),
    "intraventricular": (_intraventricular, 0.07),
}
"""With how often each is drawn: as in head injuries, where most of the data's bleeds come from."""


def _around(canvas: _Canvas, random: Random) -> Float32:
    """Radians from a drawn direction, -pi..pi."""
    turned = canvas.angle - random.uniform(-np.pi, np.pi)
    return np.asarray(np.angle(np.exp(1j * turned)), dtype=np.float32)


def _against_skull(canvas: _Canvas, thickness: Float32) -> Float32:
    """Opaque from the skull inwards, as thick as told, with an uneven edge."""
    uneven = thickness * (1 + 0.12 * canvas.texture)
    return np.asarray(np.clip((uneven - canvas.depth) / 1.5 + 0.5, 0, 1) * (uneven > 1), dtype=np.float32)


def _added(canvas: _Canvas, opacity: Float32, random: Random, *, oedema: bool) -> Float32:
    """Grey levels to add: up to the blood's, leaving the picture's own noise on it."""
    density = random.uniform(*_DENSITY)
    blood = canvas.median + density + canvas.texture * random.uniform(0, 0.18) * density
    below = cv2.GaussianBlur(canvas.grey, (0, 0), 2.0)
    added = opacity * (blood - below)
    if oedema and random.random() < 0.6:
        spread = cv2.GaussianBlur(opacity, (0, 0), float(random.uniform(3, 7)))
        rim = np.clip(2 * spread, 0, 1) * (1 - opacity) * canvas.region
        added = added - rim * random.uniform(5, 18)
    return np.asarray(added, dtype=np.float32)
