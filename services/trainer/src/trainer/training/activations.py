"""What the frozen part of the network gives for every view, computed once and kept on disk.

One folder holds the views of one set of pictures, preprocessing, augmentation and frozen weights: its name is
their digest. Each group of views has files of its own, so more views are added to those that are there. A group
that a kill has cut short goes on from the last rows that were surely written.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from trainer.errors import TrainerError
from trainer.training.frozen_graph import FrozenGraph
from trainer.training.lock import locked
from trainer.training.stages import FrozenPrefix
from trainer.training.views import SliceViews, ViewGroup

_BATCH: Final = 16
_ROWS_BETWEEN_RECORDS: Final = 128
_WORTH_A_GRAPH: Final = 256
"""Views from which the seconds that making a graph takes are won back."""

Array = NDArray[np.floating]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Run = Callable[[Tensor], Mapping[str, Tensor]]
"""Normalised pixels to the activations of each backbone."""


class CacheError(TrainerError):
    """The activations cannot be kept."""


@dataclass(frozen=True)
class KeptActivations:
    """Activations of n slices in several groups of views; the first group holds each slice as it is.

    Attributes:
        arrays: for each group, by backbone (m, ...) float16 or float32, maybe memory-mapped.
        places: (groups, n) where in the group's arrays a slice lies, -1: it has no such view.
        painted: (groups,) whether a bleed is painted into the group's views.
    """

    arrays: tuple[Mapping[str, Array], ...]
    places: Int64
    painted: Bool

    def batch(self, rows: Int64, groups: Int64) -> dict[str, Tensor]:
        """Activations of ``rows``, each in its group's view, in single precision: {backbone: (len(rows), ...)}.

        Raises:
            IndexError: a slice has no such view.
        """
        places = self.places[groups, rows]
        if (places < 0).any():
            raise IndexError("a view that was not kept")
        return {
            name: torch.from_numpy(
                np.stack([self.arrays[g][name][place] for g, place in zip(groups, places, strict=True)])
            ).float()
            for name in self.arrays[0]
        }


def keep_activations(
    source: SliceViews,
    groups: Sequence[ViewGroup],
    prefix: FrozenPrefix,
    cache: Path,
    device: torch.device,
    share: tuple[int, int] = (0, 1),
) -> None:
    """Run what is missing of the views through the frozen part.

    Args:
        source: the pictures.
        groups: the wanted views.
        prefix: the frozen part.
        cache: folder of all kept activations.
        device: that the prefix runs on.
        share: which process this is, of how many that share the groups.

    Raises:
        CacheError: the disk is too small, or an activation does not fit half precision.
        DatasetError: a picture cannot be decoded.
    """
    folder = _folder(source, prefix, cache)
    folder.mkdir(parents=True, exist_ok=True)
    largest_first = sorted(groups, key=lambda group: -len(group.rows))
    mine = [_KeptGroup(folder, group) for group in largest_first[share[0] :: share[1]]]
    missing = [group for group in mine if group.missing()]
    if missing:
        views = sum(group.missing() for group in missing)
        run = _runner(prefix, source.preprocess.size, device, views)
        for group in missing:
            group.complete(source, run)


def open_activations(
    source: SliceViews, groups: Sequence[ViewGroup], prefix: FrozenPrefix, cache: Path
) -> KeptActivations:
    """What ``keep_activations`` kept; the first group must be all slices as they are."""
    kept = [_KeptGroup(_folder(source, prefix, cache), group) for group in groups]
    places = np.full((len(groups), len(source.dataset.slices)), -1, dtype=np.int64)
    for position, group in enumerate(groups):
        has_view = kept[position].has_view()
        places[position, group.rows] = np.where(has_view, np.arange(len(group.rows)), -1)
    painted = np.array([group.painted for group in groups])
    return KeptActivations(tuple(group.open("r") for group in kept), places, painted)


def _runner(prefix: FrozenPrefix, size: int, device: torch.device, views: int) -> Run:
    """The prefix by the engine that is done first."""
    if device.type == "cpu" and not prefix.is_empty and views >= _WORTH_A_GRAPH:
        return FrozenGraph(prefix, size)
    prefix = prefix.to(device)

    def run(pixels: Tensor) -> Mapping[str, Tensor]:
        with torch.inference_mode():
            given: dict[str, Tensor] = prefix(pixels.to(device))
        return given

    return run


def _folder(source: SliceViews, prefix: FrozenPrefix, cache: Path) -> Path:
    digest = hashlib.sha256(f"{source.digest()} {prefix.digest}".encode()).hexdigest()
    return cache / "activations" / digest[:32]


class _KeptGroup:
    """The files of one group: an array for each backbone, and a record of how many rows they hold."""

    def __init__(self, folder: Path, group: ViewGroup) -> None:
        self.folder = folder
        self.group = group
        self._record = folder / f"{group.name}.json"

    def missing(self) -> int:
        """How many rows are not kept yet."""
        return len(self.group.rows) - self._done()[0]

    def complete(self, source: SliceViews, run: Run) -> None:
        """Compute the rows that are missing; another process that does so is waited for."""
        with locked(self._record.with_suffix(".lock")):
            if self.missing():
                self._complete(source, run)

    def _complete(self, source: SliceViews, run: Run) -> None:
        total = len(self.group.rows)
        done, without = self._done()
        arrays = dict(self.open("r+")) if done else None
        with tqdm(total=total, initial=done, desc=f"frozen part, {self.group.name}", unit="view") as bar:
            for first, activations, missing in self._batches(done, source, run):
                arrays = arrays or self._create(activations)
                last = first + len(next(iter(activations.values())))
                without += missing
                for name, values in activations.items():
                    arrays[name][first:last] = values
                if last == total or last // _ROWS_BETWEEN_RECORDS > first // _ROWS_BETWEEN_RECORDS:
                    self._write_record(arrays, last, without)
                bar.update(last - first)

    def open(self, mode: Literal["r", "r+"]) -> Mapping[str, Array]:
        """The arrays, memory-mapped: numpy's ``mmap_mode``."""
        names = json.loads(self._record.read_text())["names"]
        return {name: np.load(self._file(name), mmap_mode=mode) for name in names}

    def has_view(self) -> Bool:
        """(m,) whether the slice could be given this view."""
        has = np.ones(len(self.group.rows), dtype=np.bool_)
        has[self._done()[1]] = False
        return has

    def _batches(
        self, first: int, source: SliceViews, run: Run
    ) -> Iterator[tuple[int, dict[str, Array], list[int]]]:
        """Activations of a batch from ``first`` on, and which of its places are blank for want of a view."""
        blank = np.zeros((3, source.preprocess.size, source.preprocess.size), dtype=np.float32)
        for start in range(first, len(self.group.rows), _BATCH):
            views = list(source.pixels(self.group, self.group.rows[start : start + _BATCH]))
            pixels = np.stack([blank if view is None else view for view in views])
            given = run(torch.from_numpy(pixels))
            missing = [start + position for position, view in enumerate(views) if view is None]
            yield start, {name: _half(values) for name, values in given.items()}, missing

    def _done(self) -> tuple[int, list[int]]:
        """How many rows are kept, and which of them have no view."""
        if not self._record.is_file():
            return 0, []
        record = json.loads(self._record.read_text())
        if not all(self._file(name).is_file() for name in record["names"]):
            return 0, []
        return int(record["rows"]), list(record["without"])

    def _create(self, first: Mapping[str, Array]) -> dict[str, Array]:
        total = len(self.group.rows)
        size = sum(values[0].nbytes for values in first.values()) * total
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise CacheError(
                f"Activations of {total} views take {size / 1e9:.1f} GB, the disk of {self.folder} has "
                f"{free / 1e9:.1f} GB left. Freeze more stages, keep fewer views or name another --cache."
            )
        return {
            name: np.lib.format.open_memmap(
                self._file(name), mode="w+", dtype=np.float16, shape=(total, *values.shape[1:])
            )
            for name, values in first.items()
        }

    def _write_record(self, arrays: Mapping[str, Array], rows: int, without: list[int]) -> None:
        for array in arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        part = self._record.with_suffix(".part")
        part.write_text(json.dumps({"rows": rows, "without": without, "names": sorted(arrays)}))
        part.replace(self._record)

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.group.name}.{name}.npy"


def _half(values: Tensor) -> Array:
    half = values.contiguous().half()
    if not torch.isfinite(half).all():
        raise CacheError("An activation of the frozen part does not fit half precision.")
    array: Array = half.cpu().numpy()
    return array
