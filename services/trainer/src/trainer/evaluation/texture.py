"""Classic texture features of a slice, as the literature before deep learning used them.

Grey-level co-occurrence (Haralick 1973), rotation-invariant local binary patterns (Ojala 2002) and the grey
levels' own statistics, all of the network's own input: same crop, same size, so that only the features differ.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from tqdm import tqdm

from ictus.model.preprocess import PreprocessParams, enhance, head_box, to_display
from trainer.data import read_picture

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

_LEVELS: Final = 32
"""Grey levels of the co-occurrence matrix."""
_DISTANCES: Final = (1, 2, 4, 8)
_ANGLES: Final = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PROPERTIES: Final = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
_PATTERNS: Final = ((8, 1), (16, 2), (24, 3))
"""Points and radius of each local binary pattern."""
_HISTOGRAM: Final = 32


def texture_features(paths: Sequence[Path], preprocess: PreprocessParams) -> Float32:
    """Texture of pictures: (n, features) float32.

    Args:
        paths: pictures of slices.
        preprocess: crop, size and noise reduction; the normalisation of the network is left out.
    """
    rows = []
    for path in tqdm(paths, desc="texture", unit="slice"):
        volume = read_picture(path)
        display = to_display(volume.voxels[0], volume.units, preprocess.windows[0], preprocess.picture_window)
        rows.append(texture(enhance(display, head_box(display, preprocess.crop), preprocess)))
    return np.stack(rows)


def texture(picture: UInt8) -> Float32:
    """Texture of one grey picture: (rows, columns) uint8 to (features,) float32."""
    coarse = (picture.astype(np.uint16) * _LEVELS // 256).astype(np.uint8)
    matrix = graycomatrix(coarse, _DISTANCES, _ANGLES, levels=_LEVELS, symmetric=True, normed=True)
    parts = []
    for name in _PROPERTIES:
        by_angle = graycoprops(matrix, name)
        parts += [by_angle.mean(axis=1), np.ptp(by_angle, axis=1)]  # the direction itself says nothing here
    for points, radius in _PATTERNS:
        pattern = local_binary_pattern(picture, points, radius, method="uniform")
        parts.append(np.bincount(pattern.astype(np.int64).ravel(), minlength=points + 2) / pattern.size)
    grey = picture.astype(np.float64)
    parts.append(np.histogram(picture, _HISTOGRAM, (0, 256))[0] / picture.size)
    parts.append(np.array([grey.mean(), grey.std(), *np.percentile(grey, [5, 25, 50, 75, 95])]))
    return np.concatenate(parts).astype(np.float32)
