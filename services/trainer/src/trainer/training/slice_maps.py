"""What the frozen MobileNet sees on slices, kept with its places, so that a head's map costs nothing more.

A first look at a task needs no second backbone: MobileNet costs a tenth of ResNet, and its last maps are small enough
to keep whole.
"""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ictus.model.preprocess import PreprocessParams, prepare
from trainer.data import Dataset, read_picture
from trainer.network import HybridNetwork
from trainer.training.lock import locked

Int64 = NDArray[np.int64]
Float16 = NDArray[np.float16]

_BATCH: Final = 16


def spread_slices(dataset: Dataset, most: int) -> Int64:
    """Positions of at most so many slices of each series of each patient, spread evenly over the series."""
    series: dict[tuple[str, int], list[int]] = {}
    for position, one in enumerate(dataset.slices):
        series.setdefault((one.patient, one.series), []).append(position)
    chosen: list[int] = []
    for positions in series.values():
        if len(positions) <= most:
            chosen += positions
        else:
            at = np.linspace(0, len(positions) - 1, most + 2)[1:-1]
            chosen += [positions[round(place)] for place in at]
    return np.unique(np.array(chosen, dtype=np.int64))


def keep_maps(
    dataset: Dataset, rows: Int64, network: HybridNetwork, preprocess: PreprocessParams, cache: Path
) -> Float16:
    """(len(rows), features, size / 32, size / 32) float16, memory-mapped: MobileNet's last maps of each slice.

    What was computed before from the same pictures, preprocessing and weights is read.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    stated = f"{network.backbone_sha256()} {preprocess.model_dump_json()} "
    digest = hashlib.sha256((stated + " ".join(dataset.slices[row].sha256 for row in rows)).encode())
    file = cache / "maps" / f"{digest.hexdigest()[:32]}.npy"
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_suffix(".lock")):
        if not file.is_file():
            _compute(dataset, rows, network, preprocess, file)
    kept: Float16 = np.load(file, mmap_mode="r")
    return kept


def _compute(
    dataset: Dataset, rows: Int64, network: HybridNetwork, preprocess: PreprocessParams, file: Path
) -> None:
    backbone = network.mobilenet.eval()
    part = file.with_suffix(".part.npy")
    side, features = preprocess.size // 32, _features(network)
    shape = (len(rows), features, side, side)
    kept = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
    with (
        tqdm(total=len(rows), desc="MobileNet's maps", unit="slice", disable=None) as bar,
        torch.inference_mode(),
    ):
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            pixels = np.stack(
                [prepare(read_picture(dataset.slices[row].path), preprocess).pixels[0] for row in batch]
            )
            kept[start : start + len(batch)] = backbone(torch.from_numpy(pixels)).half().numpy()
            bar.update(len(batch))
    kept.flush()
    part.replace(file)


def _features(network: HybridNetwork) -> int:
    with torch.inference_mode():
        return int(network.mobilenet.eval()(torch.zeros(1, 3, 64, 64)).shape[1])
