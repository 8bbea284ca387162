"""What an image without a header shows: simple rules, for when the sender said nothing.

They tell a head in dark surroundings from any other picture, and a head CT in its brain window from an MR by the
saturated ring of the skull. They are no diagnosis of suitability (``ictus.model.suitability`` is), and what they
say is marked ``modality_stated=False``. The bounds are set on head CT, brain MR and other pictures with room to
spare on the side of heads: ``ictus-train suitability`` prints what they do.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Modality

UInt8 = NDArray[np.uint8]

COLOURFUL = 0.08
"""Above this a picture is a photograph or a drawing, not a scan."""

_AIR_HU = -700
_BONE_HU = 300
_DARK = 8
_BRIGHTEST: Final = 99.5
"""Percentile of what is lit that counts as the brightest: single bright pixels are marks or noise."""
_SKULL_LEVEL: Final = 0.93
"""Of the brightest: the skull is cut off at one level, wherever a site's window and gamma put it."""
_SKULL_SHARE: Final = 0.07
_SKULL_GREY: Final = 130
"""Grey level that the skull has at least."""

_SIDE: Final = 160
"""The outline is looked for on a picture this large."""
_LEVEL: Final = 24
"""Grey level above which something is there: as of the head crop."""
_SMALLEST: Final = 0.005
"""Share of the picture below which nothing is there but a mark or a speck."""
_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Outline:
    """The largest connected bright region of a picture, its holes filled.

    Attributes:
        area: share of the picture, 0..1.
        edge: share of the picture's edge that it lies on: nothing of a head alone in the air, all of a photograph.
        solidity: its area over that of its convex hull.
        aspect: width over height of its box.
        fade: mean grey just outside its border over that just inside: what is scanned fades into the air over a
            pixel or so, what was cut out of a picture ends at once.
        shade: grey of its darkest parts over that of its brightest (5th and 99th percentile).
    """

    area: float
    edge: float
    solidity: float
    aspect: float
    fade: float
    shade: float


@dataclass(frozen=True)
class OutlineLimits:
    """What the outline of a head may be."""

    area: float
    edge: float
    solidity: float
    aspect: tuple[float, float]
    fade: tuple[float, float] = (0.0, 1.0)
    shade: float = 1.0

    def allow(self, outline: Outline) -> bool:
        """Whether a head can have this outline."""
        (least, most), (sharpest, softest) = self.aspect, self.fade
        return (
            outline.area >= self.area
            and outline.edge <= self.edge
            and outline.solidity >= self.solidity
            and least <= outline.aspect <= most
            and sharpest <= outline.fade <= softest
            and outline.shade <= self.shade
        )


CT_OUTLINE: Final = OutlineLimits(area=_SMALLEST, edge=0.6, solidity=0.3, aspect=(0.3, 3.0))
"""Wide: tight crops, head rests and slices of the face must pass, and the embedding is asked afterwards."""

MR_OUTLINE: Final = OutlineLimits(
    area=0.06, edge=0.3, solidity=0.75, aspect=(0.55, 1.3), fade=(0.08, 0.65), shade=0.4
)
"""Nothing else is asked of MR than that it looks like a head, because no finding can come of it: a border that fades,
and fluid, bone or air that is dark, whatever the sequence."""


def looks_like_hounsfield(values: NDArray[np.float32]) -> bool:
    """Whether a volume's values can be Hounsfield units: air well below -700 and bone or metal above 300."""
    sample = values.ravel()[:: max(1, values.size // 1_000_000)]
    return bool(sample.min() < _AIR_HU and sample.max() > _BONE_HU)


def modality_of_picture(grey: UInt8, colourfulness: float) -> Modality:
    """CT or MR of a head, or OTHER, from one picture: (rows, columns), 0 black .. 255 white."""
    if colourfulness > COLOURFUL:
        return Modality.OTHER
    outline = outline_of(grey)
    if outline is None:
        return Modality.OTHER
    lit = grey[grey > _DARK]
    skull = max(_SKULL_LEVEL * float(np.percentile(lit, _BRIGHTEST)), _SKULL_GREY)
    has_skull = float((lit >= skull).mean()) > _SKULL_SHARE
    modality, limits = (Modality.CT, CT_OUTLINE) if has_skull else (Modality.MR, MR_OUTLINE)
    return modality if limits.allow(outline) else Modality.OTHER


def outline_of(grey: UInt8) -> Outline | None:
    """Measure the largest bright region of a picture, (rows, columns) uint8; None where nothing is bright."""
    scale = _SIDE / max(grey.shape)
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    bright = (small > _LEVEL).astype(np.uint8)
    opened = cv2.morphologyEx(bright, cv2.MORPH_OPEN, _NEIGHBOURS)
    contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None  # nothing but specks
    largest = max(contours, key=cv2.contourArea)
    filled, hull = np.zeros_like(bright), np.zeros_like(bright)
    cv2.drawContours(filled, [largest], -1, 1, cv2.FILLED)
    cv2.fillConvexPoly(hull, cv2.convexHull(largest), 1)
    edge = np.concatenate([filled[0], filled[-1], filled[:, 0], filled[:, -1]])
    _, _, width, height = cv2.boundingRect(largest)
    outside = small[(cv2.dilate(filled, _NEIGHBOURS) - filled).astype(bool)]
    within = small[(filled - cv2.erode(filled, _NEIGHBOURS)).astype(bool)]
    darkest, brightest = np.percentile(small[filled.astype(bool)], (5, 99))
    return Outline(
        area=float(filled.mean()),
        edge=float(edge.mean()),
        solidity=float(filled.sum() / hull.sum()),
        aspect=width / height,
        fade=float(outside.mean() / max(within.mean(), 1)) if outside.size and within.size else 0.0,
        shade=float(darkest / max(brightest, 1)),
    )
