"""Is this slice something the model may speak about at all?

Three layers. Image checks on the windowed slice cost microseconds and catch what is no head CT to anyone:
blank, coloured, noise, no skull in dark surroundings. The embedding check asks whether the network has seen
the like: the distance of the normalised embedding to its k-th nearest training embedding (Sun et al., ICML
2022) or to their middle (Mahalanobis, Lee et al., NeurIPS 2018), in the training data's principal subspace, what
lies outside it included. Distance alone takes some strangers that lie near for heads and would refuse heads of
other sites that lie a little farther; so a line between head CT and pictures of other things is asked as well (outlier
exposure: Hendrycks et al., ICLR 2019). The third asks which way up the head lies (``ictus.model.orientation``).
Blank, colour and noise hold for any modality, the others only for what the model is validated for.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors.numpy import load_file

from ictus.model.base import Params
from ictus.model.orientation import TENSORS, UprightStatistics, series_evidence, upright_traits
from ictus.model.preprocess import PreparedSlices

Float32 = NDArray[np.float32]

_BLACK: Final = 16
_WHITE: Final = 0.93
"""Of the brightest: the skull is cut off at one level, wherever a site's window and gamma put it."""
_BRIGHTEST: Final = 99.5
"""Percentile of the crop that counts as the brightest: single bright pixels are marks or noise."""
_LEAST_WHITE: Final = 150.0
"""Grey level that white has at least: in a dim picture nothing is bone."""
_ASKED_FOR_POSITION: Final = 32
"""Slices of a series, evenly spread, that are asked which way up they lie: more would only cost time."""
_LIKENESS: Final = "likeness"
"""Name in the statistics file."""


class SuitabilityFault(StrEnum):
    """Why a slice is unsuitable; the values are stable reason codes."""

    BLANK = "blank_image"
    COLOUR = "colour_image"
    NOISE = "noise_image"
    NO_HEAD = "no_head_in_image"
    UNLIKE_TRAINING = "unlike_training_images"
    UPSIDE_DOWN = "upside_down_image"


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


Statistic = Literal["nearest", "mahalanobis"]
"""What the embedding is held against: its nearest training embeddings, or the distribution of all of them."""


class StatisticCompared(Params):
    """One candidate for the embedding check, as cross-validation by patient judged it; shares are 0..1."""

    statistic: Statistic
    maximum_distance: float = Field(gt=0)
    refused: float = Field(ge=0, le=1, description="Of held-out patients' slices as they are.")
    refused_changed: float = Field(
        ge=0, le=1, description="Of the same slices as other sites may export them."
    )
    drawn_refused: float = Field(ge=0, le=1, description="Of drawn pictures that are no head.")
    drawn_margin: float = Field(
        ge=0, description="Distance over the limit that 95 % of the drawn pictures exceed: the larger wins."
    )


class LikenessLimits(Params):
    """Bound of the line between head CT and strangers, and how it did under cross-validation; shares are 0..1."""

    minimum_score: float = Field(description="A slice with less is more like a stranger than like a head CT.")
    penalty: float = Field(gt=0, description="Inverse strength of the ridge penalty that was chosen.")
    strangers: int = Field(ge=1, description="Pictures that are no head CT that it was fitted on.")
    kinds: tuple[str, ...]
    refused: float = Field(ge=0, le=1, description="Of held-out patients' slices as they are.")
    refused_changed: float = Field(
        ge=0, le=1, description="Of the same slices as other sites may export them."
    )
    strangers_refused: float = Field(
        ge=0, le=1, description="Of strangers of a kind that was left out of the fit, over all kinds."
    )


class EmbeddingLimits(Params):
    """Bounds of the embedding check; the statistics are tensors of ``suitability.safetensors``."""

    statistics_file: str = "suitability.safetensors"
    statistic: Statistic = "nearest"
    neighbour: int = Field(
        ge=1, description="The distance is taken to the k-th nearest training embedding; 1 for Mahalanobis."
    )
    maximum_distance: float = Field(gt=0)
    compared: tuple[StatisticCompared, ...] = Field(
        default=(), description="The candidates it was chosen from; empty where there was no choice."
    )
    likeness: LikenessLimits | None = Field(
        default=None,
        exclude_if=lambda block: block is None,  # what was written before there was this block stays the same
        description="Of the line between head CT and strangers; None where there is none.",
    )


class OrientationLimits(Params):
    """Bound of the orientation check; its statistics lie beside those of the embedding check. Shares are 0..1."""

    minimum_evidence: float = Field(
        description="A series with less is upside down: the sum of its slices' evidence over the root of their number."
    )
    upright_refused: float = Field(ge=0, le=1, description="Of held-out patients' single slices.")
    turned_refused: float = Field(ge=0, le=1, description="Of the same slices upside down.")
    upright_series_refused: float = Field(ge=0, le=1, description="Of held-out patients.")
    turned_series_refused: float = Field(ge=0, le=1, description="Of the same patients upside down.")


class Suitability(Params):
    """What a slice, and a series, must satisfy."""

    image: ImageLimits = ImageLimits()
    embedding: EmbeddingLimits | None = None
    orientation: OrientationLimits | None = None
    minimum_share: float = Field(
        default=0.5, gt=0, le=1, description="A series with a smaller share of suitable slices is unsuitable."
    )


@dataclass(frozen=True)
class EmbeddingStatistics:
    """What the embedding check compares with; embeddings are scaled to unit length first.

    Attributes:
        mean: (features,) float32, of the training embeddings.
        axes: (features, components) float32, orthonormal: their principal axes.
        reference: (m, components) float32: training embeddings along the axes; for Mahalanobis their middle alone.
        deviations: (components + 1,) float32: what distances along the axes, and outside them, are measured in.
        likeness: (features + 1,) float32: the weights of each feature in the likeness to head CT, and what is added;
            None when the model has none.
        upright: of the orientation check; None when the model has none.
    """

    mean: Float32
    axes: Float32
    reference: Float32
    deviations: Float32 | None = None
    likeness: Float32 | None = None
    upright: UprightStatistics | None = None

    def distances(self, embedding: NDArray[np.floating], neighbour: int) -> Float32:
        """(n, features) embeddings to the (n,) distance to their ``neighbour``-th nearest reference."""
        centred = unit_rows(embedding) - self.mean
        along = centred @ self.axes
        outside = (centred**2).sum(axis=1) - (along**2).sum(axis=1)
        reference = self.reference
        if self.deviations is not None:
            along, reference = along / self.deviations[:-1], reference / self.deviations[:-1]
            outside /= self.deviations[-1] ** 2
        products = along @ reference.T
        squared = (along**2).sum(axis=1)[:, None] + (reference**2).sum(axis=1) - 2 * products
        nearest = np.partition(squared, neighbour - 1, axis=1)[:, neighbour - 1]
        distance: Float32 = np.sqrt(np.clip(nearest + outside, 0, None))
        return distance

    def tensors(self) -> dict[str, Float32]:
        """What is kept in the statistics file."""
        tensors = {"mean": self.mean, "axes": self.axes, "reference": self.reference}
        for name, tensor in (("deviations", self.deviations), (_LIKENESS, self.likeness)):
            if tensor is not None:
                tensors[name] = tensor
        return tensors | (self.upright.tensors() if self.upright is not None else {})


def likeness_scores(embedding: NDArray[np.floating], likeness: Float32) -> Float32:
    """(n, features) embeddings to (n,): how much each is like head CT rather than like strangers.

    Args:
        embedding: as the network gives it.
        likeness: (features + 1,) of ``EmbeddingStatistics``.
    """
    scores: Float32 = unit_rows(embedding) @ likeness[:-1] + likeness[-1]
    return scores


def unit_rows(embedding: NDArray[np.floating]) -> Float32:
    """(n, features) rows scaled to unit length."""
    rows = np.asarray(embedding, dtype=np.float32)
    unit: Float32 = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def load_statistics(directory: Path, limits: EmbeddingLimits) -> EmbeddingStatistics:
    """The statistics of a verified model directory."""
    tensors = load_file(directory / limits.statistics_file)
    upright = UprightStatistics(*(tensors[name] for name in TENSORS)) if TENSORS[0] in tensors else None
    return EmbeddingStatistics(
        tensors["mean"],
        tensors["axes"],
        tensors["reference"],
        tensors.get("deviations"),
        tensors.get(_LIKENESS),
        upright,
    )


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


def embedding_novelty(
    embedding: NDArray[np.floating], statistics: EmbeddingStatistics, limits: EmbeddingLimits
) -> Float32:
    """(n, features) embeddings to (n,): the distance from the training slices over the limit; above 1 is too far.

    What is more like a stranger than like a head CT lies beyond 1 by as much as it misses of the likeness.
    """
    novelty: Float32 = statistics.distances(embedding, limits.neighbour) / limits.maximum_distance
    if limits.likeness is None or statistics.likeness is None:
        return novelty
    missed = limits.likeness.minimum_score - likeness_scores(embedding, statistics.likeness)
    return np.where(missed > 0, np.maximum(novelty, 1 + missed), novelty).astype(np.float32)


def embedding_faults(novelty: Float32) -> list[SuitabilityFault | None]:
    """``UNLIKE_TRAINING`` for each slice whose embedding lies too far from the training slices.

    Args:
        novelty: (n,) of ``embedding_novelty``.
    """
    return [SuitabilityFault.UNLIKE_TRAINING if value > 1 else None for value in novelty]


def is_upside_down(
    prepared: PreparedSlices,
    positions: NDArray[np.int64],
    statistics: UprightStatistics,
    limits: OrientationLimits,
) -> bool:
    """Whether a series of head CT lies upside down: one slice may be hard to tell, all of them are not.

    Args:
        prepared: the slices.
        positions: (n,) those that may be asked, at least one.
        statistics: of the orientation check.
        limits: the manifest's bound.
    """
    asked = positions[
        np.linspace(0, len(positions) - 1, min(len(positions), _ASKED_FOR_POSITION)).astype(int)
    ]
    traits = np.stack([upright_traits(prepared.windowed[at], prepared.boxes[at]) for at in asked])
    return series_evidence(statistics.evidence(traits)) < limits.minimum_evidence


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
    white = max(_WHITE * float(np.percentile(sample, _BRIGHTEST)), _LEAST_WHITE)
    edge = max(1, min(sample.shape) // 10)
    corners = np.concatenate([sample[i, j].ravel() for i in _ends(edge) for j in _ends(edge)])
    return ImageTraits(
        deviation=deviation,
        roughness=roughness,
        background=float((corners < _BLACK).mean()),
        bone=float((sample >= white).mean()),
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
