"""Augmentation: how a slice may look without its truth changing.

Two kinds, on both sides of the preprocessing. How a device and an export show a slice (window, gamma, sharpness,
resolution, noise, JPEG) is changed on the picture as it came, so that everything the preprocessing makes of it
follows. Where the head lies (mirror, turn, zoom, shift) is changed on the network's input, so that channels that
were made together stay together.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_AIR = 3
"""Grey levels below this are cut off by any window: they stay black, and carry no noise."""


class Augmentation(Params):
    """Which changes are drawn, and how far they go. Zero (one, for factors) switches a change off."""

    contrast: float = Field(default=1.4, ge=1, le=4, description="Factor of a narrower window at most.")
    flatness: float = Field(default=1.15, ge=1, le=4, description="Factor of a wider window at most.")
    level: float = Field(default=0.06, ge=0, le=0.5, description="Shift of the window, share of its width.")
    gamma: float = Field(default=1.15, ge=1, le=4, description="Between one over this and this.")
    device: float = Field(
        default=0.3, ge=0, le=1, description="Probability of each of the five changes below, one by one."
    )
    blur: float = Field(default=2.2, ge=0, le=8, description="Standard deviation in pixels at most.")
    sharpen: float = Field(default=1.0, ge=0, le=4, description="Weight of the unsharp mask at most.")
    noise: float = Field(default=12.0, ge=0, le=64, description="Standard deviation in grey levels at most.")
    coarsen: float = Field(default=3.0, ge=1, le=8, description="Factor of lost resolution at most.")
    jpeg_quality: int = Field(default=30, ge=5, le=100, description="At least; 100 switches it off.")
    mirror: float = Field(default=0.5, ge=0, le=1, description="Probability of left-right.")
    flip: float = Field(default=0.05, ge=0, le=1, description="Probability of upside down.")
    quarter_turns: float = Field(
        default=0.05, ge=0, le=1, description="Probability of 90, 180 or 270 degrees."
    )
    rotation: float = Field(default=15.0, ge=0, le=180, description="Degrees at most, either way.")
    zoom: float = Field(
        default=2.0, ge=1, le=4, description="At most; half of all zooms stay below an eighth of the way."
    )
    shrink: float = Field(default=0.1, ge=0, le=0.5, description="Share by which the head may look smaller.")
    translation: float = Field(default=0.1, ge=0, le=0.5, description="Share of the input's side, each way.")
    stretch: float = Field(default=0.08, ge=0, le=0.5, description="Share by which the head may look wider.")


@dataclass(frozen=True)
class Change:
    """One drawn change; the fields are as in ``Augmentation``, ``noise_seed`` fixes the noise's pixels."""

    contrast: float
    level: float
    gamma: float
    blur: float
    sharpen: float
    noise: float
    noise_seed: int
    coarsen: float
    jpeg_quality: int
    mirror: bool
    flip: bool
    quarter_turns: int
    rotation: float
    zoom: float
    shift: tuple[float, float]
    stretch: float


def generator(seed: int, picture: str, purpose: str) -> np.random.Generator:
    """Random numbers that belong to a picture (its digest) and a purpose."""
    digest = hashlib.sha256(f"{seed} {picture} {purpose}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def draw_change(params: Augmentation, random: np.random.Generator) -> Change:
    """Draw how a slice is changed."""

    def either(limit: float) -> float:
        return float(random.uniform(-limit, limit))

    def factor(least: float, most: float) -> float:
        return float(np.exp(random.uniform(np.log(least), np.log(most))))

    def sometimes(neutral: float, limit: float) -> float:
        value = neutral + (limit - neutral) * float(random.random())
        return value if random.random() < params.device else neutral

    nearer = 1 + (params.zoom - 1) * float(random.random()) ** 3
    farther = 1 - params.shrink * float(random.random())
    return Change(
        contrast=factor(1 / params.flatness, params.contrast),
        level=either(params.level),
        gamma=factor(1 / params.gamma, params.gamma),
        blur=sometimes(0, params.blur),
        sharpen=sometimes(0, params.sharpen),
        noise=sometimes(0, params.noise),
        noise_seed=int(random.integers(2**32)),
        coarsen=sometimes(1, params.coarsen),
        jpeg_quality=round(sometimes(100, params.jpeg_quality)),
        mirror=bool(random.random() < params.mirror),
        flip=bool(random.random() < params.flip),
        quarter_turns=int(random.integers(1, 4)) if random.random() < params.quarter_turns else 0,
        rotation=either(params.rotation),
        zoom=nearer if random.random() < 0.5 else farther,
        shift=(either(params.translation), either(params.translation)),
        stretch=1 + either(params.stretch),
    )


def show_otherwise(picture: UInt8, change: Change) -> UInt8:
    """The same slice as another device or export would show it.

    Args:
        picture: (rows, columns) uint8, as it came.
        change: what is drawn.
    """
    seen: cv2.typing.MatLike = cv2.LUT(picture, _levels(change))
    if change.blur > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), max(change.blur, 0.1))
    if change.sharpen > 0:
        soft = cv2.GaussianBlur(seen, (0, 0), 1.5)
        seen = cv2.addWeighted(seen, 1 + change.sharpen, soft, -change.sharpen, 0)
    if change.noise > 0:
        grain = np.random.default_rng(change.noise_seed).standard_normal(picture.shape, np.float32)
        grain *= np.float32(change.noise) * (seen >= _AIR)
        seen = np.clip(np.rint(seen + grain), 0, 255).astype(np.uint8)
    if change.coarsen > 1:
        rows, columns = (max(32, round(side / change.coarsen)) for side in picture.shape)
        seen = cv2.resize(seen, (columns, rows), interpolation=cv2.INTER_AREA)
    if change.jpeg_quality < 100:
        _, coded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, change.jpeg_quality])
        seen = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return np.asarray(seen, dtype=np.uint8)


def move(pixels: Float32, change: Change) -> Float32:
    """The same input with the head elsewhere.

    Args:
        pixels: (channels, side, side) float32, the network's input.
        change: what is drawn. What comes into sight takes the median of each channel's edge.
    """
    side = pixels.shape[-1]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), change.rotation, change.zoom)
    matrix[0] *= change.stretch
    matrix[0, 2] += middle * (1 - change.stretch) + change.shift[0] * side
    matrix[1, 2] += change.shift[1] * side
    moved = np.empty_like(pixels)
    for target, channel in zip(moved, pixels, strict=True):
        edge = float(np.median(np.concatenate([channel[0], channel[-1], channel[:, 0], channel[:, -1]])))
        shown = cv2.warpAffine(
            channel, matrix, (side, side), borderMode=cv2.BORDER_CONSTANT, borderValue=edge
        )
        shown = np.rot90(shown, change.quarter_turns)
        shown = shown[:, ::-1] if change.mirror else shown
        target[:] = shown[::-1] if change.flip else shown
    return moved


def _levels(change: Change) -> UInt8:
    """Grey levels as another window and gamma would show them."""
    grey = np.arange(256) / 255
    shown = np.clip((grey - 0.5 - change.level) * change.contrast + 0.5, 0, 1) ** change.gamma
    shown[:_AIR] = 0
    return np.asarray(np.rint(shown * 255), dtype=np.uint8)
