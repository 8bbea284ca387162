"""What the three channels may show, and how fine the maps are that are pooled: asked of the MobileNet alone.

It costs a tenth of the pair, so that what to show can be tried on a shared machine. Only a part of the slices is
looked at: all with a bleed and every third without.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from bench.experiments.features import products
from bench.experiments.heads import Problem, Said, logistic
from ictus.imaging.volume import Volume
from ictus.model.preprocess import PreprocessParams, Window, prepare
from trainer.data import Dataset, read_picture
from trainer.features import open_session
from trainer.network import HybridNetwork
from trainer.recipe import Recipe

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
Input = Callable[[int], Float32]
"""A row of the data set to its (3, size, size) network input."""

SHOWN_NOW: Final = "slice, inside of the skull, difference of halves (the starter)"
_EVERY: Final = 3
_BATCH: Final = 8
_WINDOWS: Final = tuple(Window(center=40, width=width) for width in (120, 80, 40))


def some_slices(labels: NDArray[np.bool_]) -> Int64:
    """All slices with a bleed and every third without."""
    chosen = labels.copy()
    chosen[np.flatnonzero(~labels)[::_EVERY]] = True
    return np.flatnonzero(chosen)


def inputs(dataset: Dataset, recipe: Recipe) -> Mapping[str, Input]:
    """Each way of filling the channels. A slice without a neighbour is its own."""
    now = recipe.preprocess
    plain = now.model_copy(update={"intracranial": None})
    windows = PreprocessParams.model_validate(plain.model_dump() | {"windows": _WINDOWS})

    def prepared(row: int, params: PreprocessParams) -> Float32:
        volume: Volume = read_picture(dataset.slices[row].path)
        pixels: Float32 = prepare(volume, params).pixels[0]
        return pixels

    def beside(row: int, step: int) -> int:
        other = row + step
        same = (
            0 <= other < len(dataset.slices) and dataset.slices[other].patient == dataset.slices[row].patient
        )
        return other if same else row

    def stacked(row: int, channel: int) -> Float32:
        three = [prepared(beside(row, step), now)[channel] for step in (-1, 0, 1)]
        return np.stack(three)

    return {
        SHOWN_NOW: lambda row: prepared(row, now),
        "one window, three times": lambda row: prepared(row, plain),
        "three windows: 120, 80 and 40 wide": lambda row: prepared(row, windows),
        "slice before, slice, slice after (2.5-D)": lambda row: stacked(row, 0),
        "inside of the skull: before, here, after (2.5-D)": lambda row: stacked(row, 1),
    }


class _EveryBlock(nn.Module):
    """Mean and highest value of each block's maps, the last block first."""

    def __init__(self, mobilenet: nn.Sequential) -> None:
        super().__init__()
        self.blocks = mobilenet

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, H, W) to (n, features)."""
        pooled = []
        for block in self.blocks:
            pixels = block(pixels)
            pooled.append(torch.cat([pixels.mean(dim=(2, 3)), pixels.amax(dim=(2, 3))], dim=1))
        return torch.cat(pooled[::-1], dim=1)


def starter_columns(recipe: Recipe) -> NDArray[np.int64]:
    """Which of every block's features are those that the starter pools: of the last block of its two last stages."""
    network = HybridNetwork(recipe.architecture, 2).eval()
    maps, ends, widths = torch.zeros(1, 3, 64, 64), [], []
    with torch.inference_mode():
        for stage in network.stages():
            for block in stage.mobilenet:
                maps = block(maps)
                widths.append(2 * maps.shape[1])
            ends.append(len(widths) - 1)
    starts = np.cumsum([0, *widths[::-1]])
    wanted = [len(widths) - 1 - end for end in ends[::-1][: recipe.architecture.pooled_stages]]
    return np.concatenate([np.arange(starts[place], starts[place + 1]) for place in wanted])


def heads(problem: Problem, features: Mapping[str, Float32]) -> dict[str, Said]:
    """A head on each kind of input."""
    return {
        name: logistic(problem, products(values[problem.learned], values))
        for name, values in features.items()
    }


def mobilenet_features(
    dataset: Dataset, recipe: Recipe, pretrained: Path | None, rows: Int64, cache: Path
) -> dict[str, Float32]:
    """(rows, features) of every block for each way of filling the channels; kept in ``cache``."""
    cache.mkdir(parents=True, exist_ok=True)
    ways = inputs(dataset, recipe)
    files = {name: cache / f"channels-{number}.npy" for number, name in enumerate(ways)}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        run = _network(recipe, pretrained)
        for name in missing:
            pooled = []
            for start in tqdm(range(0, len(rows), _BATCH), desc=name, unit="batch"):
                pixels = np.stack([ways[name](int(row)) for row in rows[start : start + _BATCH]])
                pooled.append(run(pixels))
            np.save(files[name], np.concatenate(pooled))
    return {name: np.load(file) for name, file in files.items()}


def _network(recipe: Recipe, pretrained: Path | None) -> Callable[[Float32], Float32]:
    """The MobileNet by ONNX Runtime: (n, 3, size, size) to (n, features) of every block."""
    network = HybridNetwork(recipe.architecture, 2)
    network.load_pretrained(pretrained)
    side = recipe.preprocess.size
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "mobilenet.onnx"
        torch.onnx.export(
            _EveryBlock(network.mobilenet).eval(),
            (torch.zeros(2, 3, side, side),),
            graph,
            input_names=["pixels"],
            output_names=["pooled"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("slices")}},
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        session = open_session(graph, torch.get_num_threads())
    return lambda pixels: np.asarray(session.run(["pooled"], {"pixels": pixels})[0], dtype=np.float32)
