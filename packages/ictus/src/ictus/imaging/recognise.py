"""Which modality an image without a header comes from: simple rules, for when the sender said nothing.

They tell a head CT in its brain window from an MR by the saturated ring of the skull; they are no diagnosis
of suitability (``ictus.model.suitability`` is), and what they say is marked ``modality_stated=False``.
"""

import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Modality

COLOURFUL = 0.08
"""Above this a picture is a photograph or a drawing, not a scan."""

_AIR_HU = -700
_BONE_HU = 300
_SATURATED = 250
_DARK = 8
_SKULL_SHARE = 0.06


def looks_like_hounsfield(values: NDArray[np.float32]) -> bool:
    """Whether a volume's values can be Hounsfield units: air well below -700 and bone or metal above 300."""
    sample = values.ravel()[:: max(1, values.size // 1_000_000)]
    return bool(sample.min() < _AIR_HU and sample.max() > _BONE_HU)


def modality_of_picture(grey: NDArray[np.uint8], colourfulness: float) -> Modality:
    """CT, MR or OTHER, from one picture: (rows, columns), 0 black .. 255 white."""
    if colourfulness > COLOURFUL:
        return Modality.OTHER
    lit = grey > _DARK
    if not lit.any():
        return Modality.OTHER
    saturated = float((grey >= _SATURATED).sum() / lit.sum())
    return Modality.CT if saturated > _SKULL_SHARE else Modality.MR
