"""A control without the lesion: what is left to learn from when one half of the brain stands for both?

An infarct is mostly on one side. So each picture's calmer half is mirrored onto the other, for every picture by the
same rule. A network that still tells the classes apart on such pictures does it by something else: by the export, the
choice of slices or the patients' age. Made for diffusion-weighted pictures, where an infarct is bright; on other pictures the
calmer half may be the one with the lesion.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ictus.model.harmonise import head_frame
from ictus.model.manifest import file_sha256
from trainer.data.manifest import Example
from trainer.data.pictures import as_displayed

UInt8 = NDArray[np.uint8]

_FINE: Final = 0.015
_COARSE: Final = 0.08
"""Low-passes between which a lesion stands out, as shares of the head's width."""
_BRIGHTEST: Final = 99.5


def calm_half_mirrored(picture: UInt8) -> UInt8:
    """The same picture with its calmer half in place of both.

    Args:
        picture: (rows, columns) uint8; the head is nearly upright.
    """
    _, left, _, right = head_frame(picture)
    middle = (left + right) / 2
    rows, columns = picture.shape
    mirror = np.array([[-1, 0, 2 * middle - 1], [0, 1, 0]], np.float32)
    mirrored = cv2.warpAffine(picture, mirror, (columns, rows), flags=cv2.INTER_LINEAR)
    pixels, width = picture.astype(np.float32), max(8, right - left)
    outstanding = cv2.GaussianBlur(pixels, (0, 0), _FINE * width) - cv2.GaussianBlur(
        pixels, (0, 0), _COARSE * width
    )
    on_left = np.arange(columns) < middle
    first, second = (np.percentile(outstanding[:, side], _BRIGHTEST) for side in (on_left, ~on_left))
    keeps_left = first <= second
    return np.where(on_left == keeps_left, picture, mirrored).astype(np.uint8)


def make_control(examples: list[Example], source: Path, target: Path) -> list[Example]:
    """Write the control of every example as PNG below ``target`` and give the examples that name it.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    made = []
    for example in tqdm(examples, desc="mirroring calm halves", unit="slice", leave=False, disable=None):
        name = str(Path(example.file).with_suffix(".png"))
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), calm_half_mirrored(as_displayed(source / example.file)))
        made.append(example.model_copy(update={"file": name, "sha256": file_sha256(path)}))
    return made
