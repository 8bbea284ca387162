"""Is this slice something the model may speak about at all?

Two layers. Image checks on the windowed slice cost microseconds and catch what is no head CT to anyone:
blank, coloured, noise, no skull in dark surroundings. The embedding check asks whether the network has seen
the like: the distance of the normalised embedding to its k-th nearest training embedding (Sun et al., ICML
2022), in the training data's principal subspace, what lies outside it included. The first three hold for any modality, the others only for what the model is validated for.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors.numpy import load_file

from ictus.model.base import Params
from ictus.model.preprocess import PreparedSlices

Float32 = NDArray[np.float32]

_BLACK: Final = 16
_WHITE: Final = 250


class SuitabilityFault(StrEnum):
    """Why a slice is unsuitable; the values are stable reason codes."""

    BLANK = "blank_image"
    COLOUR = "colour_image"
    NOISE = "noise_image"
    NO_HEAD = "no_head_in_image"
    UNLIKE_TRAINING = "unlike_training_images"


class ImageLimits(Params):
    """Bounds of the image checks, set on training images with room to spare."""

    maximum_colourfulness: float = Field(default=0.05, ge=0, le=1)
    minimum_deviation: float = Field(default=6.0, ge=0, description="Grey levels, over the slice.")
    maximum_roughness: float = Field(
        default=0.6, ge=0, description="Mean step between neighbours over the deviation; white noise has 1.1."
    )
    minimum_background: float = Field(
        default=0.5, ge=0, le=1, description="Share of black on the crop's four corners."
    )
    minimum_bone: float = Field(
        default=0.02, ge=0, le=1, description="Share of white in the crop: the skull."
    )


class EmbeddingLimits(Params):
    """Bounds of the embedding check; the statistics are tensors of ``suitability.safetensors``."""

    statistics_file: str = "suitability.safetensors"
    neighbour: int = Field(ge=1, description="The distance is taken to the k-th nearest training embedding.")
    maximum_distance: float = Field(gt=0)


class Suitability(Params):
    """What a slice, and a series, must satisfy."""

    image: ImageLimits = ImageLimits()
    embedding: EmbeddingLimits | None = None
    minimum_share: float = Field(
        default=0.5, gt=0, le=1, description="A series with a smaller share of suitable slices is unsuitable."
    )


@dataclass(frozen=True)
class EmbeddingStatistics:
    """What the embedding check compares with; embeddings are scaled to unit length first.

    Attributes:
        mean: (features,) float32, of the training embeddings.
        axes: (features, components) float32, orthonormal: their principal axes.
        reference: (m, components) float32: training embeddings along the axes.
    """

    mean: Float32
    axes: Float32
    reference: Float32

    def distances(self, embedding: NDArray[np.floating], neighbour: int) -> Float32:
        """(n, features) embeddings to the (n,) distance to their ``neighbour``-th nearest reference."""
        centred = unit_rows(embedding) - self.mean
        along = centred @ self.axes
        outside = (centred**2).sum(axis=1) - (along**2).sum(axis=1)
        products = along @ self.reference.T
        squared = (along**2).sum(axis=1)[:, None] + (self.reference**2).sum(axis=1) - 2 * products
        nearest = np.partition(squared, neighbour - 1, axis=1)[:, neighbour - 1]
        distance: Float32 = np.sqrt(np.clip(nearest + outside, 0, None))
        return distance


def unit_rows(embedding: NDArray[np.floating]) -> Float32:
    """(n, features) rows scaled to unit length."""
    rows = np.asarray(embedding, dtype=np.float32)
    unit: Float32 = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def load_statistics(directory: Path, limits: EmbeddingLimits) -> EmbeddingStatistics:
    """The statistics of a verified model directory."""
    tensors = load_file(directory / limits.statistics_file)
    return EmbeddingStatistics(tensors["mean"], tensors["axes"], tensors["reference"])


def image_faults(
    prepared: PreparedSlices, colourfulness: float, limits: ImageLimits, *, expects_head_ct: bool
) -> list[SuitabilityFault | None]:
    """What the cheap checks find in each slice, None where nothing.

    Args:
        prepared: the slices.
        colourfulness: of the volume, 0..1.
        limits: the manifest's bounds.
        expects_head_ct: whether the input claims to be what the model is validated for.
    """
    if colourfulness > limits.maximum_colourfulness:
        return [SuitabilityFault.COLOUR] * len(prepared.windowed)
    return [
        _image_fault(traits, limits, expects_head_ct)
        for traits in (
            measure(picture, box) for picture, box in zip(prepared.windowed, prepared.boxes, strict=True)
        )
    ]


def embedding_faults(
    embedding: NDArray[np.floating], statistics: EmbeddingStatistics, limits: EmbeddingLimits
) -> list[SuitabilityFault | None]:
    """``UNLIKE_TRAINING`` for each slice whose embedding lies too far from the training slices."""
    far = statistics.distances(embedding, limits.neighbour) > limits.maximum_distance
    return [SuitabilityFault.UNLIKE_TRAINING if is_far else None for is_far in far]


@dataclass(frozen=True)
class ImageTraits:
    """What the image checks look at; the units are those of ``ImageLimits``."""

    deviation: float
    roughness: float
    background: float
    bone: float


def measure(picture: NDArray[np.uint8], box: NDArray[np.int32]) -> ImageTraits:
    """Measure one windowed slice.

    Args:
        picture: (rows, columns) uint8.
        box: (4,) the head crop as in ``PreparedSlices.boxes``.
    """
    rows, columns = picture.shape
    top, left, bottom, right = (int(v) for v in box)
    crop = picture[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    # Every n-th pixel is enough for shares; neighbours are taken in the full grid.
    step = max(1, min(crop.shape) // 128)
    sample = crop[::step, ::step].astype(np.float32)
    neighbours = crop[::step, 1::step].astype(np.float32)
    width = min(sample.shape[1], neighbours.shape[1])
    deviation = float(sample.std())
    roughness = float(np.abs(sample[:, :width] - neighbours[:, :width]).mean()) / max(deviation, 1e-6)
    edge = max(1, min(sample.shape) // 10)
    corners = np.concatenate([sample[i, j].ravel() for i in _ends(edge) for j in _ends(edge)])
    return ImageTraits(
        deviation=deviation,
        roughness=roughness,
        background=float((corners < _BLACK).mean()),
        bone=float((sample >= _WHITE).mean()),
    )


def _ends(edge: int) -> tuple[slice, slice]:
    return slice(None, edge), slice(-edge, None)


def _image_fault(traits: ImageTraits, limits: ImageLimits, expects_head_ct: bool) -> SuitabilityFault | None:
    if traits.deviation < limits.minimum_deviation:
        return SuitabilityFault.BLANK
    if traits.roughness > limits.maximum_roughness:
        return SuitabilityFault.NOISE
    if expects_head_ct and (
        traits.background < limits.minimum_background or traits.bone < limits.minimum_bone
    ):
        return SuitabilityFault.NO_HEAD
    return None
