"""From a canonical volume to network input: the one code path of training and serving.

Every slice goes through the same steps: CT window to 8-bit grey, head-region crop, noise reduction, resize,
contrast enhancement, normalisation with the ImageNet mean and deviation. A picture has lost its Hounsfield
units, so it is read as having been exported at ``picture_window`` and brought to the same window: a CT series
and a picture of it give the same input. Two more channels may show the inside of the skull (``intracranial``), or
diffusion MR is levelled into three (``harmonise``). The parameters travel in the manifest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.base import Params
from ictus.model.harmonise import Harmonise, harmonised_channels, head_frame
from ictus.model.intracranial import Intracranial, intracranial_channels

cv2.setNumThreads(1)  # the engine owns the cores; OpenCV's threads beside it cost up to 1.4x

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

MR_NORMALISED_MAXIMUM: Final = 4095
"""Upper end of ``VoxelUnits.NORMALISED`` voxels."""

_SEARCH_SIDE: Final = 128
"""The head is searched on a picture at most this wide: enough for a box, and cheap."""


class NoiseReduction(StrEnum):
    """Filter applied to the cropped slice, in its own resolution."""

    NONE = "none"
    GAUSSIAN = "gaussian"
    MEDIAN = "median"


class ContrastEnhancement(StrEnum):
    """Contrast step applied to the resized slice."""

    NONE = "none"
    CLAHE = "clahe"
    EQUALISE = "equalise"


class Window(Params):
    """A CT display window in Hounsfield units (DICOM PS3.3 C.11.2.1.2)."""

    center: float
    width: float = Field(gt=0)


BRAIN_WINDOW: Final = Window(center=40, width=80)


class HeadCrop(Params):
    """How the head is found and framed.

    The head is the largest connected region brighter than ``level``; its box is made square, widened by
    ``margin`` of its side on each edge, and never smaller than ``minimum_side`` of the slice's shorter edge
    (so that the last slice of the vertex is not blown up to the size of a whole head).
    """

    level: int = Field(default=24, ge=1, le=254)
    margin: float = Field(default=0.03, ge=0, le=0.5)
    minimum_side: float = Field(default=0.35, gt=0, le=1)


class PreprocessParams(Params):
    """Everything that turns voxels into network input."""

    size: int = Field(default=224, ge=64, le=1024, description="Side of the square network input in pixels.")
    windows: tuple[Window, ...] = Field(
        default=(BRAIN_WINDOW,), description="One window for all three channels, or one for each."
    )
    picture_window: Window = Field(
        default=BRAIN_WINDOW, description="The window that pictures were exported at, as far as is known."
    )
    crop: HeadCrop | None = HeadCrop()
    noise_reduction: NoiseReduction = NoiseReduction.NONE
    noise_kernel: int = Field(default=3, ge=3, le=7, description="Filter side in slice pixels, odd.")
    contrast: ContrastEnhancement = ContrastEnhancement.NONE
    clahe_clip: float = Field(default=2.0, gt=0)
    clahe_tiles: int = Field(default=8, ge=2, le=32)
    intracranial: Intracranial | None = Field(
        default=None, description="Second and third channel show the inside of the skull, for one window."
    )
    harmonise: Harmonise | None = Field(
        default=None,
        exclude_if=lambda block: block is None,  # what was written before there was this block stays the same
        description="Diffusion MR is framed by its own median and levelled into three channels.",
    )
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _check(self) -> "PreprocessParams":
        if len(self.windows) not in {1, 3}:
            raise ValueError("one window or three")
        if self.intracranial is not None and len(self.windows) != 1:
            raise ValueError("intracranial channels go with one window")
        if self.harmonise is not None and (len(self.windows) != 1 or self.intracranial is not None):
            raise ValueError("harmonised channels go with one window and without intracranial ones")
        if self.noise_kernel % 2 == 0:
            raise ValueError("noise_kernel must be odd")
        return self


@dataclass(frozen=True)
class PreparedSlices:
    """Slices ready for the network.

    Attributes:
        pixels: (n, 3, size, size) float32, the graph's input ``pixels``.
        boxes: (n, 4) int32, the crop of each slice as (top, left, bottom, right) in slice pixels, end
            exclusive. A box may reach beyond the slice (black was added there): see ``project_to_slice``.
        windowed: (n, rows, columns) uint8, the slices as a person looks at them (first window).
        indices: (n,) int32, positions of the slices in the volume.
    """

    pixels: Float32
    boxes: Int32
    windowed: UInt8
    indices: Int32


def prepare(volume: Volume, params: PreprocessParams, indices: Sequence[int] | None = None) -> PreparedSlices:
    """Turn slices of a volume into network input.

    Args:
        volume: the canonical volume; ``voxels`` is (slices, rows, columns).
        params: the manifest's preprocessing.
        indices: slices to prepare, in this order; all of them when None.

    Raises:
        IndexError: an index is outside the volume.
    """
    chosen = np.arange(len(volume.voxels)) if indices is None else np.asarray(indices, dtype=np.int64)
    voxels = volume.voxels if indices is None else volume.voxels[chosen]
    aspect = volume.spacing_mm[1] / volume.spacing_mm[2] if volume.spacing_mm else 1.0
    windowed = to_display(voxels, volume.units, params.windows[0], params.picture_window)
    boxes = np.array([_framed(picture, params, aspect) for picture in windowed], dtype=np.int32)
    pixels = np.empty((len(voxels), 3, params.size, params.size), dtype=np.float32)
    for position, (picture, box) in enumerate(zip(windowed, boxes, strict=True)):
        channels = [enhance(picture, box, params)]
        for window in params.windows[1:]:
            other = to_display(voxels[position], volume.units, window, params.picture_window)
            channels.append(enhance(other, box, params))
        pixels[position] = normalise(channels, params)
    return PreparedSlices(pixels, boxes.reshape(-1, 4), windowed, chosen.astype(np.int32))


def _framed(picture: UInt8, params: PreprocessParams, aspect: float) -> tuple[int, int, int, int]:
    return head_frame(picture) if params.harmonise else head_box(picture, params.crop, aspect)


def to_display(
    voxels: NDArray[np.generic], units: VoxelUnits, window: Window, picture_window: Window
) -> UInt8:
    """Voxels of any canonical unit as 8-bit grey.

    Hounsfield units go through ``window``, a picture from ``picture_window`` to ``window``; normalised MR is
    scaled from its full range.
    """
    if units is VoxelUnits.DISPLAY:
        if window == picture_window:
            return np.asarray(voxels, dtype=np.uint8)
        low, high = 0, 255
        hounsfield = _low(picture_window) + np.arange(256) * (picture_window.width / 255)
        levels = (hounsfield - _low(window)) * (255.0 / window.width)
    elif units is VoxelUnits.NORMALISED:
        low, high = 0, MR_NORMALISED_MAXIMUM
        levels = np.arange(high + 1) * (255.0 / high)
    else:
        low, high = int(np.floor(_low(window))), int(np.ceil(_low(window) + window.width))
        levels = (np.arange(low, high + 1) - _low(window)) * (255.0 / window.width)
    # One look-up over the few values that are left: faster than arithmetic on every voxel.
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    values = np.asarray(voxels, dtype=np.int16)
    display: UInt8 = np.take(table, np.clip(values, low, high) - np.int16(low))
    return display


def _low(window: Window) -> float:
    return window.center - window.width / 2


def head_box(picture: UInt8, crop: HeadCrop | None, aspect: float = 1.0) -> tuple[int, int, int, int]:
    """The square around the head as (top, left, bottom, right), end exclusive, maybe beyond the picture.

    Args:
        picture: (rows, columns) uint8.
        crop: how to find it; None takes the smallest square that holds the whole slice.
        aspect: row spacing over column spacing; the box is square in millimetres.
    """
    rows, columns = picture.shape
    top, left, height, width = 0, 0, rows, columns
    if crop is not None:
        step = max(1, -(-max(rows, columns) // _SEARCH_SIDE))
        small = picture[step // 2 :: step, step // 2 :: step]
        mask = (cv2.blur(np.ascontiguousarray(small), (3, 3)) > crop.level).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        if count > 1:
            left, top, width, height = (
                int(v) * step for v in stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), :4]
            )
    # In units of columns, so that the box is square on the patient and not on the grid.
    side = max(height * aspect, width)
    if crop is not None:
        side = max(side * (1 + 2 * crop.margin), crop.minimum_side * min(rows * aspect, columns))
    box_height, box_width = max(2, round(side / aspect)), max(2, round(side))
    box_top = round(top + (height - box_height) / 2)
    box_left = round(left + (width - box_width) / 2)
    return box_top, box_left, box_top + box_height, box_left + box_width


def enhance(picture: UInt8, box: Sequence[int] | Int32, params: PreprocessParams) -> UInt8:
    """Crop, reduce noise, resize and enhance contrast: (size, size) uint8, before normalisation."""
    region: cv2.typing.MatLike = _cut(picture, box)
    if params.noise_reduction is NoiseReduction.GAUSSIAN:
        region = cv2.GaussianBlur(region, (params.noise_kernel, params.noise_kernel), 0)
    elif params.noise_reduction is NoiseReduction.MEDIAN:
        region = cv2.medianBlur(region, params.noise_kernel)
    shrinks = region.shape[0] > params.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    grey = cv2.resize(region, (params.size, params.size), interpolation=interpolation)
    if params.contrast is ContrastEnhancement.CLAHE:
        grey = cv2.createCLAHE(params.clahe_clip, (params.clahe_tiles, params.clahe_tiles)).apply(grey)
    elif params.contrast is ContrastEnhancement.EQUALISE:
        grey = cv2.equalizeHist(grey)
    return np.asarray(grey, dtype=np.uint8)


def normalise(channels: Sequence[UInt8], params: PreprocessParams) -> Float32:
    """One or three enhanced (size, size) uint8 pictures of a slice to its (3, size, size) float32 input.

    With ``params.intracranial`` the one picture is joined by the two that are made from it, with
    ``params.harmonise`` three are made from it.
    """
    if params.harmonise is not None:
        channels = harmonised_channels(channels[0], params.harmonise)
    if params.intracranial is not None:
        channels = [channels[0], *intracranial_channels(channels[0], params.intracranial)]
    pixels = np.empty((3, params.size, params.size), dtype=np.float32)
    for channel, table in enumerate(_normalisation_tables(params.mean, params.deviation)):
        np.take(table, channels[channel % len(channels)], out=pixels[channel])
    return pixels


def project_to_slice(heatmap: Float32, box: Sequence[int] | Int32, rows: int, columns: int) -> Float32:
    """Lay a heatmap of the crop back onto the whole slice.

    Args:
        heatmap: (h, w) float32 over the crop, any resolution.
        box: the crop as in ``PreparedSlices.boxes``.
        rows: height of the slice in pixels.
        columns: width of the slice in pixels.

    Returns:
        (rows, columns) float32, zero outside the crop.
    """
    top, left, bottom, right = (int(v) for v in box)
    placed = np.zeros((rows, columns), dtype=np.float32)
    whole = cv2.resize(heatmap, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    inside = np.s_[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    placed[inside] = whole[max(-top, 0) : rows - top, max(-left, 0) : columns - left]
    return placed


def _cut(picture: UInt8, box: Sequence[int] | Int32) -> UInt8:
    """The box's pixels, black where it reaches beyond the picture."""
    top, left, bottom, right = (int(v) for v in box)
    rows, columns = picture.shape
    inside = picture[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    edges = (max(-top, 0), max(bottom - rows, 0), max(-left, 0), max(right - columns, 0))
    if any(edges):
        return np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_CONSTANT, value=0), dtype=np.uint8)
    return inside


@cache
def _normalisation_tables(mean: tuple[float, ...], deviation: tuple[float, ...]) -> Float32:
    """(3, 256) float32: each channel's network input for each grey level; the same for every slice."""
    grey = np.arange(256, dtype=np.float64) / 255
    tables: Float32 = ((grey - np.array(mean)[:, None]) / np.array(deviation)[:, None]).astype(np.float32)
    tables.flags.writeable = False
    return tables
