"""Network input of every view of every slice of a data set."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.preprocess import PreprocessParams, prepare, to_display
from trainer.data import Dataset, read_picture
from trainer.training.augment import Augmentation, draw_change, generator, move, show_otherwise
from trainer.training.painting import paint_bleed
from trainer.training.params import TrainingParams

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_DRAWING = 2
"""Raised when the same parameters come to draw other views, so that what was kept is not used for them."""


@dataclass(frozen=True)
class ViewGroup:
    """One view of some slices.

    Attributes:
        number: 0 is the slice as serving prepares it.
        painted: whether a bleed is painted into it.
        rows: (m,) which slices have it, ascending.
    """

    number: int
    painted: bool
    rows: Int64

    @property
    def name(self) -> str:
        """Of its files: what is shown, and a digest of the rows."""
        digest = hashlib.sha256(np.ascontiguousarray(self.rows).tobytes()).hexdigest()[:12]
        return f"{'painted' if self.painted else 'view'}-{self.number:02d}-{digest}"


def view_groups(dataset: Dataset, params: TrainingParams, seed: int) -> tuple[ViewGroup, ...]:
    """Which views of which slices a training asks for; the first group is all slices as they are."""
    count = np.where(dataset.labels, params.positive_views, params.negative_views)
    groups = [ViewGroup(0, False, np.arange(len(count)))]
    groups += [
        ViewGroup(number, False, np.flatnonzero(count >= number)) for number in range(1, int(count.max()) + 1)
    ]
    negatives = np.random.default_rng(seed).permutation(np.flatnonzero(~dataset.labels))
    painted = np.sort(negatives[: params.painted_slices])
    groups += [ViewGroup(number, True, painted) for number in range(1, params.painted_views + 1)]
    return tuple(groups)


@dataclass(frozen=True)
class SliceViews:
    """Views of a data set's slices.

    Attributes:
        dataset: the slices.
        preprocess: how they become network input.
        augmentation: what the views differ by.
        seed: of the views.
    """

    dataset: Dataset
    preprocess: PreprocessParams
    augmentation: Augmentation
    seed: int

    def digest(self) -> str:
        """Of everything that decides about the pixels."""
        stated = f"{_DRAWING} {self.seed} {self.preprocess.model_dump_json()} {self.augmentation.model_dump_json()}"
        digest = hashlib.sha256(stated.encode())
        for example in self.dataset.slices:
            digest.update(example.sha256.encode())
        return digest.hexdigest()

    def pixels(self, group: ViewGroup, rows: Int64) -> Iterator[Float32 | None]:
        """(3, size, size) float32 of each slice; None where no bleed can be painted into it.

        Raises:
            DatasetError: a picture cannot be decoded.
        """
        for row in rows:
            yield self._view(int(row), group.number, painted=group.painted)

    def _view(self, row: int, number: int, *, painted: bool) -> Float32 | None:
        example = self.dataset.slices[row]
        volume = read_picture(example.path)
        if number == 0 and not painted:
            plain: Float32 = prepare(volume, self.preprocess).pixels[0]
            return plain
        exported_at = self.preprocess.picture_window
        picture = to_display(volume.voxels[0], volume.units, exported_at, exported_at)
        if painted:
            random = generator(self.seed, example.sha256, f"bleed {number}")
            with_bleed = paint_bleed(picture, self.preprocess, random)
            if with_bleed is None:
                return None
            picture = with_bleed
        purpose = f"{'painted' if painted else 'view'} {number}"
        change = draw_change(self.augmentation, generator(self.seed, example.sha256, purpose))
        seen = show_otherwise(picture, change)
        pixels = prepare(_as_volume(seen, volume), self.preprocess).pixels[0]
        return move(pixels, change)


def _as_volume(picture: NDArray[np.uint8], of: Volume) -> Volume:
    """A picture in place of a slice; its pixels are square in millimetres if those were."""
    spacing = None
    if of.spacing_mm is not None:
        rows, columns = of.voxels.shape[1:]
        spacing = (
            of.spacing_mm[0],
            of.spacing_mm[1] * rows / picture.shape[0],
            of.spacing_mm[2] * columns / picture.shape[1],
        )
    return replace(of, voxels=picture[np.newaxis], units=VoxelUnits.DISPLAY, spacing_mm=spacing)
