"""Golden predictions: what the graph says about drawn heads, kept with the model to detect drift.

A change of preprocessing, of the export or of the runtime that moves a number shows up against this file,
without any patient data.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.imaging.phantom import Bleed, head_ct
from ictus.model.base import Params
from ictus.model.manifest import (
    GRAPH_FILE,
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP,
    OUTPUT_LOGITS,
)
from ictus.model.preprocess import PreprocessParams, prepare
from trainer.features import open_session

GOLDEN_FILE: Final = "golden.json"
_SLICES: Final = 8
_SIZE: Final = 256


class GoldenHead(Params):
    """One phantom: ``ictus.imaging.phantom.head_ct(8, 256)``, with the default bleed or none.

    Attributes:
        logits: (slices, classes).
        embedding_norm: (slices,) Euclidean length of the embedding.
        heatmap_peak: (slices,) largest value of the fused heatmap.
    """

    has_bleed: bool
    logits: tuple[tuple[float, ...], ...]
    embedding_norm: tuple[float, ...]
    heatmap_peak: tuple[float, ...]


class Golden(Params):
    """The content of ``golden.json``."""

    heads: tuple[GoldenHead, ...] = Field(min_length=1)


def predict_golden(directory: Path, preprocess: PreprocessParams) -> Golden:
    """Run the directory's graph over the phantoms."""
    session = open_session(directory / GRAPH_FILE, threads=1)
    heads = []
    for has_bleed in (False, True):
        volume = head_ct(_SLICES, _SIZE, Bleed() if has_bleed else None)
        logits, embedding, heatmap = session.run(
            [OUTPUT_LOGITS, OUTPUT_EMBEDDING, OUTPUT_HEATMAP],
            {INPUT_PIXELS: prepare(volume, preprocess).pixels},
        )
        heads.append(
            GoldenHead(
                has_bleed=has_bleed,
                logits=tuple(_rounded(row) for row in logits),
                embedding_norm=_rounded(np.linalg.norm(embedding, axis=1)),
                heatmap_peak=_rounded(heatmap.max(axis=(1, 2))),
            )
        )
    return Golden(heads=tuple(heads))


def write_golden(directory: Path, preprocess: PreprocessParams) -> None:
    """Write ``golden.json`` for a directory with its final graph and weights."""
    golden = predict_golden(directory, preprocess)
    (directory / GOLDEN_FILE).write_text(golden.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _rounded(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
