"""A second scanner: the same slices with another kernel, another window, coarser and noisier."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainer.training.augment import Change, generator, show_otherwise

UInt8 = NDArray[np.uint8]

_PURPOSE: Final = "second scanner"


@dataclass(frozen=True)
class Scanner:
    """What sets one device apart. Every slice is shown by it in nearly the same way.

    Attributes:
        contrast: factor of its narrower window.
        level: shift of its window, share of the width.
        sharpen: weight of its kernel's edge enhancement.
        noise: standard deviation in grey levels.
        coarsen: factor of lost resolution.
        spread: share by which each of them varies from slice to slice.
    """

    contrast: float = 1.3
    level: float = 0.07
    sharpen: float = 0.9
    noise: float = 14.0
    coarsen: float = 2.2
    spread: float = 0.1

    def show(self, picture: UInt8, digest: str) -> UInt8:
        """A slice as this scanner shows it.

        Args:
            picture: (rows, columns) uint8, as the first scanner shows it.
            digest: of the picture's file; the same slice always looks the same.
        """
        random = generator(0, digest, _PURPOSE)

        def near(value: float) -> float:
            return value * float(1 + random.uniform(-self.spread, self.spread))

        change = Change(
            contrast=near(self.contrast),
            level=near(self.level),
            gamma=1.0,
            blur=0.0,
            sharpen=near(self.sharpen),
            noise=near(self.noise),
            noise_seed=int(random.integers(2**32)),
            coarsen=near(self.coarsen),
            jpeg_quality=100,
            mirror=False,
            flip=False,
            quarter_turns=0,
            rotation=0.0,
            zoom=1.0,
            shift=(0.0, 0.0),
            stretch=1.0,
        )
        return show_otherwise(picture, change)
