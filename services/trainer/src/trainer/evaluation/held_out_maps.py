"""Where held-out heads looked: a sheet for people, drawn by lot and not by how good it looks."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ictus.model.preprocess import prepare, project_to_slice
from trainer.data import Dataset, read_picture
from trainer.recipe import Recipe
from trainer.training.patient_level import SeriesJudged

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

SHOWN: Final = 16
_COLUMNS: Final = 4
_STRONGEST_ALPHA: Final = 0.55


def draw_held_out_maps(judged: SeriesJudged, dataset: Dataset, recipe: Recipe, path: Path) -> Path:
    """Draw the highest scored slice of stroke patients, each beside its map by the heads that never saw the patient.

    Args:
        judged: the last series is the diffusion-weighted one where series were numbered ADC, DWI.
        dataset: the slices.
        recipe: how they are prepared, and the seed of the lot.
        path: of the PNG; its folder is made when absent.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    figure = Figure(figsize=(2.2 * 2 * _COLUMNS, 2.45 * -(-SHOWN // _COLUMNS)), layout="constrained", dpi=90)
    panels = figure.subplots(-(-SHOWN // _COLUMNS), 2 * _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for plain, over, at in zip(panels[::2], panels[1::2], _by_lot(judged, recipe.seed), strict=False):
        prepared = prepare(read_picture(dataset.slices[judged.rows[at]].path), recipe.preprocess)
        picture = prepared.windowed[0]
        heat = _on_slice(_heat(judged, at), prepared.boxes[0], picture)
        plain.imshow(picture, cmap="gray", vmin=0, vmax=255)
        plain.set_title(
            f"{judged.bags.patients[at]}, slice {dataset.slices[judged.rows[at]].number}", fontsize=7
        )
        over.imshow(picture, cmap="gray", vmin=0, vmax=255)
        over.imshow(heat, cmap="turbo", vmin=0, vmax=1, alpha=np.sqrt(heat) * _STRONGEST_ALPHA)
        over.set_title(f"log odds {judged.scores.slices[at]:.1f}", fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png")
    return path


def _by_lot(judged: SeriesJudged, seed: int) -> list[int]:
    """Position of the highest scored slice of each of ``SHOWN`` stroke patients."""
    names, labels = judged.bags.by_patient()
    drawn = np.random.default_rng(seed).permutation(names[labels])[:SHOWN]
    found = []
    for name in drawn:
        own = np.flatnonzero(judged.bags.patients == name)
        found.append(int(own[np.argmax(judged.scores.slices[own])]))
    return found


def _heat(judged: SeriesJudged, at: int) -> Float32:
    """(h, w) what each place adds to the log odds, negatives cut; the fold's heads together."""
    fold = int(np.searchsorted(np.unique(judged.folds), judged.folds[at]))
    maps = torch.from_numpy(judged.maps[at].astype(np.float32))
    embedding = maps.mean(dim=(1, 2))[None]
    with torch.inference_mode():
        gradient = torch.stack(
            [
                pooled.head.gradient(embedding, 1)[0] - pooled.head.gradient(embedding, 0)[0]
                for pooled in judged.scores.heads[fold]
            ]
        ).mean(0)
        heat: Float32 = torch.relu(torch.einsum("c,chw->hw", gradient, maps)).numpy()
    return heat


def _on_slice(heat: Float32, box: NDArray[np.int32], picture: UInt8) -> Float32:
    hottest = float(heat.max())
    if not hottest > 0:
        return np.zeros(picture.shape, dtype=np.float32)
    return project_to_slice(heat / hottest, box, *picture.shape)
