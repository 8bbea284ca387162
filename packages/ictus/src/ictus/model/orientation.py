"""Which way up is the head? An axial slice's front differs from its back: orbits, the frontal crest, the occiput.

A support vector machine with radial basis functions looks at the outlines of the framed slice (gradients by
direction in a coarse grid, as in Dalal and Triggs, CVPR 2005) and at a small picture of it. It is fitted with the
model (``trainer.orientation_fit``) on the training slices as they are and turned, and needs no network.

Each slice is asked as it lies and turned upside down, and the difference counts: whatever a device or an export
adds to both alike drops out, so that a head from elsewhere is not called turned for looking strange.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.model.preprocess import Int32, PreprocessParams, UInt8, enhance

Float32 = NDArray[np.float32]

_FRAME: Final = PreprocessParams(size=96)
_CELLS: Final = 8
_DIRECTIONS: Final = 8
_SMALL_SIDE: Final = 24
_PICTURE_WEIGHT: Final = 0.1
"""Of the small picture beside the gradients, whose rows have length 10."""
_GRADIENT_LENGTH: Final = 10.0

TENSORS: Final = ("upright_mean", "upright_axes", "upright_support", "upright_weights", "upright_terms")
"""Names in the statistics file."""


@dataclass(frozen=True)
class UprightStatistics:
    """The fitted machine.

    Attributes:
        mean: (features,) float32, of what it was fitted on.
        axes: (features, components) float32: principal axes.
        support: (m, components) float32: support vectors.
        weights: (m,) float32: their dual coefficients.
        terms: (2,) float32: gamma of the kernel, and the intercept.
    """

    mean: Float32
    axes: Float32
    support: Float32
    weights: Float32
    terms: Float32

    def scores(self, traits: Float32) -> Float32:
        """(n, features) of ``upright_traits`` to (n,): above 0 upright, below 0 upside down, 1 from there is clear."""
        along = (traits - self.mean) @ self.axes
        squared = (along**2).sum(axis=1)[:, None] + (self.support**2).sum(axis=1) - 2 * along @ self.support.T
        scores: Float32 = np.exp(-self.terms[0] * squared.clip(0)) @ self.weights + self.terms[1]
        return scores

    def evidence(self, traits: Float32) -> Float32:
        """(n, 2, features) of ``upright_traits`` to (n,): how much better each slice looks than its reverse."""
        scores = self.scores(traits.reshape(-1, traits.shape[-1])).reshape(-1, 2)
        evidence: Float32 = scores[:, 0] - scores[:, 1]
        return evidence

    def tensors(self) -> dict[str, Float32]:
        """What is kept in the statistics file."""
        values = (self.mean, self.axes, self.support, self.weights, self.terms)
        return dict(zip(TENSORS, values, strict=True))


def series_evidence(evidence: Float32) -> float:
    """(n,) evidence of a series' slices to one number that is as steady for any n: their sum over its root."""
    return float(evidence.sum() / np.sqrt(len(evidence)))


def upright_traits(picture: UInt8, box: Int32) -> Float32:
    """What the machine looks at in one windowed slice: (2, features), as it lies and turned upside down.

    Args:
        picture: (rows, columns) uint8.
        box: (4,) the head crop as in ``PreparedSlices.boxes``.
    """
    framed = enhance(picture, box, _FRAME)
    return np.stack([_traits(framed), _traits(framed[::-1])])


def _traits(framed: UInt8) -> Float32:
    soft = np.asarray(cv2.GaussianBlur(framed, (0, 0), 1.0), dtype=np.float32)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    strength = np.sqrt(np.hypot(across, down))
    turns = np.arctan2(down, across) / (2 * np.pi) % 1
    direction = (turns * _DIRECTIONS).astype(np.int64) % _DIRECTIONS
    cells = [
        cv2.resize(np.where(direction == d, strength, 0), (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        for d in range(_DIRECTIONS)
    ]
    gradients = np.asarray(np.stack(cells).ravel(), dtype=np.float32)
    gradients = gradients * np.float32(_GRADIENT_LENGTH / max(float(np.linalg.norm(gradients)), 1e-6))
    small = cv2.resize(soft, (_SMALL_SIDE, _SMALL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    small = (small - small.mean()) / (small.std() + 1e-3) * _PICTURE_WEIGHT
    return np.concatenate([gradients, small]).astype(np.float32)
