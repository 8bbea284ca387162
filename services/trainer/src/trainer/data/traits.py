"""What a picture shows without any anatomy: the inputs of the shortcut baselines.

Each trait is measured on the slice as a screen shows it, (rows, columns) uint8, or on each channel that a network is
given.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from trainer.data.dataset import Dataset, LabelledSlice
from trainer.data.pictures import VOLUME_SUFFIX, as_displayed

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
PictureOf = Callable[[LabelledSlice], UInt8]

_BINS: Final = 32
_FRAME: Final = 20
"""The frame of a picture is one part in this many of its side."""
_SEARCH_SIDE: Final = 128
_HEAD_LEVEL: Final = 24
"""What is this much brighter than the frame belongs to the head: ``ictus.model.preprocess.HeadCrop``."""
_BLANKED_SIDE: Final = 8

GREY_LEVELS: Final = "grey levels"
SHARPNESS: Final = "sharpness"
BORDERS: Final = "borders"
FILE_TRAITS: Final = "file traits"
BRAIN_BLANKED: Final = "brain blanked"
BASELINES: Final = (GREY_LEVELS, SHARPNESS, BORDERS, BRAIN_BLANKED, FILE_TRAITS)


def grey_levels(picture: UInt8) -> Float32:
    """Share of the pixels in each of 32 ranges of grey: (32,)."""
    counts = np.bincount(picture.ravel() >> 3, minlength=_BINS)
    return (counts / picture.size).astype(np.float32)


def sharpness(picture: UInt8) -> Float32:
    """Energy of the Laplacian, of edges and of three bands of detail, in logarithms: (5,)."""
    pixels = picture.astype(np.float32)
    found = [cv2.Laplacian(pixels, cv2.CV_32F).var(), np.abs(np.diff(pixels, axis=1)).mean()]
    finer = pixels
    for scale in (1.0, 2.0, 4.0):
        coarser = np.asarray(cv2.GaussianBlur(finer, (0, 0), scale), np.float32)
        found.append((finer - coarser).var())
        finer = coarser
    return np.log1p(np.array(found, np.float32))


def borders(picture: UInt8) -> Float32:
    """Mean, deviation and black share of the four edges, and the brightest pixel of each corner: (16,)."""
    height, width = max(1, picture.shape[0] // _FRAME), max(1, picture.shape[1] // _FRAME)
    edges = (picture[:height], picture[-height:], picture[:, :width], picture[:, -width:])
    corners = (edges[0][:, :width], edges[0][:, -width:], edges[1][:, :width], edges[1][:, -width:])
    found = [value for edge in edges for value in (edge.mean(), edge.std(), (edge == 0).mean())]
    return np.array([*found, *(corner.max() for corner in corners)], np.float32)


def brain_blanked(picture: UInt8) -> Float32:
    """What is left around the head, in 8 x 8 fields: (64,); the convex hull of the head is black."""
    small = cv2.resize(picture, (_SEARCH_SIDE, _SEARCH_SIDE), interpolation=cv2.INTER_AREA)
    frame = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    mask = (cv2.blur(small, (3, 3)) > np.median(frame) + _HEAD_LEVEL).astype(np.uint8)
    count, regions, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left = small.copy()
    if count > 1:
        head = regions == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        hull = cv2.convexHull(np.argwhere(head)[:, ::-1].astype(np.int32))
        # Two pixels more: the blurred rim of the skull still shows its brightness.
        cv2.drawContours(left, [hull], 0, 0, thickness=cv2.FILLED)
        cv2.drawContours(left, [hull], 0, 0, thickness=5)
    fields = cv2.resize(left, (_BLANKED_SIDE, _BLANKED_SIDE), interpolation=cv2.INTER_AREA)
    return fields.astype(np.float32).ravel()


def file_traits(path: Path, picture: UInt8) -> Float32:
    """Bytes, bytes for each pixel, rows, columns, JPEG quantisation and sampling, and colour: (7,)."""
    size = path.stat().st_size
    quantisation, sampling, coloured = 0, 0, 0
    if path.suffix != VOLUME_SUFFIX:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            tables = getattr(image, "quantization", {})
            quantisation = sum(sum(table) for table in tables.values())
            sampling = sum(10**i * layer[1] for i, layer in enumerate(getattr(image, "layer", ())))
            coloured = int(image.mode not in {"L", "1", "I", "I;16"})
    return np.array([size, size / picture.size, *picture.shape, quantisation, sampling, coloured], np.float32)


_TRAITS: Final[Mapping[str, Callable[[UInt8], Float32]]] = {
    GREY_LEVELS: grey_levels,
    SHARPNESS: sharpness,
    BORDERS: borders,
    BRAIN_BLANKED: brain_blanked,
}


def measure_traits(dataset: Dataset, picture_of: PictureOf | None = None) -> dict[str, Float32]:
    """The traits of every example: (n, features) for each baseline.

    Args:
        dataset: what is looked at.
        picture_of: what stands for an example's picture, e.g. what a network is given after normalisation
            (``trainer.data.given``): (rows, columns) or (channels, rows, columns) uint8; None takes the files as they are. File traits are measured only on the files as they are.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    rows: dict[str, list[Float32]] = {name: [] for name in _TRAITS}
    if picture_of is None:
        rows[FILE_TRAITS] = []
    for example in tqdm(dataset.slices, desc="measuring traits", unit="slice", leave=False, disable=None):
        picture = as_displayed(example.path) if picture_of is None else picture_of(example)
        channels = picture if picture.ndim == 3 else picture[np.newaxis]
        for name, trait in _TRAITS.items():
            rows[name].append(np.concatenate([trait(channel) for channel in channels]))
        if picture_of is None:
            rows[FILE_TRAITS].append(file_traits(example.path, picture))
    return {name: np.stack(found) for name, found in rows.items()}
