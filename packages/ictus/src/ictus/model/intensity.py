"""How bright the head is that the network is shown: what a change of scanner, kernel or window moves first.

Measured on the first window's grey inside each slice's crop, where it is brighter than the level that the head is found
by: air and the black around it would only say how large the head is.
"""

from typing import Final

import numpy as np

from ictus.contracts.prediction import HeadIntensity
from ictus.model.preprocess import HeadCrop, PreparedSlices, PreprocessParams

_GREYS: Final = 256


def head_intensity(prepared: PreparedSlices, params: PreprocessParams) -> HeadIntensity | None:
    """The head region's grey over all slices; None when nothing is brighter than the level."""
    level = (params.crop or HeadCrop()).level
    counts = np.zeros(_GREYS, dtype=np.int64)
    for picture, box in zip(prepared.windowed, prepared.boxes, strict=True):
        top, left, bottom, right = (max(0, int(edge)) for edge in box)
        counts += np.bincount(picture[top:bottom, left:right].ravel(), minlength=_GREYS)
    counts[: level + 1] = 0
    pixels = int(counts.sum())
    if pixels == 0:
        return None
    grey = np.arange(_GREYS) / (_GREYS - 1)
    mean = float(counts @ grey) / pixels
    spread = float(counts @ (grey - mean) ** 2) / pixels
    below = np.cumsum(counts)
    p05, median, p95 = (float(grey[np.searchsorted(below, share * pixels)]) for share in (0.05, 0.5, 0.95))
    return HeadIntensity(mean=mean, deviation=spread**0.5, p05=p05, median=median, p95=p95)
