"""Is this slice something the model may speak about at all?

Two layers. Image checks on the windowed slice cost microseconds and catch what is no head CT to anyone:
blank, coloured, noise, no head in frame. The embedding check asks whether the network has seen the like:
distance to the nearest training embeddings in a whitened principal subspace (Sun et al., ICML 2022).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params


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
        default=0.3, ge=0, le=1, description="Share of black on the crop's four corners."
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
    """What the embedding check compares with.

    Attributes:
        mean: (features,) float32.
        projection: (features, components) float32: principal axes divided by their deviations.
        reference: (m, components) float32, unit rows: projected training embeddings.
    """

    mean: NDArray[np.float32]
    projection: NDArray[np.float32]
    reference: NDArray[np.float32]

    def distances(self, embedding: NDArray[np.floating], neighbour: int) -> NDArray[np.float32]:
        """(n, features) embeddings to the (n,) distance to their ``neighbour``-th nearest reference."""
        projected = self.project(embedding)
        # Unit rows: |a - b|^2 = 2 - 2ab.
        squared = np.clip(2 - 2 * projected @ self.reference.T, 0, None)
        nearest = np.partition(squared, neighbour - 1, axis=1)[:, neighbour - 1]
        return np.sqrt(nearest, dtype=np.float32)

    def project(self, embedding: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, features) to unit rows of the whitened subspace, (n, components)."""
        projected = (np.asarray(embedding, dtype=np.float32) - self.mean) @ self.projection
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        result: NDArray[np.float32] = projected / np.maximum(length, 1e-12)
        return result
