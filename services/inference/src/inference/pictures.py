"""What is drawn and kept for one series, beside the forward pass."""

from functools import partial
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from ictus.model.calibration import slice_probabilities
from ictus.model.disposition import SeriesDecision
from ictus.model.manifest import ModelManifest
from ictus.model.preprocess import PreparedSlices
from ictus.storage import keys
from inference.engine import EngineOutput
from inference.overlays import burned_jpeg, heat_levels, outline, overlay_png, plain_jpeg, relative_heat
from inference.reading import Step
from inference.results import JPEG, PNG, SAFETENSORS, Results

_EMBEDDING_DTYPE: Final = np.float16


class SeriesPictures:
    """Draws one series.

    Args:
        results: where the pictures go.
        series_id: the series.
        manifest: of the model that answers.
    """

    def __init__(self, results: Results, series_id: UUID, manifest: ModelManifest) -> None:
        self._results = results
        self._series_id = series_id
        self._manifest = manifest

    def overlays(self, step: Step) -> None:
        """Have the step's overlays drawn while the network goes on with the next slices."""
        prepared, output = step.prepared, step.output
        by_class = slice_probabilities(output.logits, self._manifest.calibration)
        probabilities = by_class[:, self._manifest.stroke_classes].sum(axis=1)
        _, rows, columns = prepared.windowed.shape
        for position, index in enumerate(prepared.indices):
            draw = partial(
                _overlay,
                output.heatmap[position],
                prepared.boxes[position],
                rows,
                columns,
                float(probabilities[position]),
            )
            self._results.put(keys.overlay_key(self._results.prefix, self._series_id, int(index)), PNG, draw)

    def key_slices(self, decision: SeriesDecision, prepared: PreparedSlices, output: EngineOutput) -> None:
        """Have the slices that drove the answer drawn, with and without their heat."""
        prefix = self._results.prefix
        for index in decision.key_slices:
            windowed = prepared.windowed[index]
            burn = partial(
                _burned,
                windowed,
                output.heatmap[index],
                prepared.boxes[index],
                decision.slice_probabilities[index] or 0.0,
            )
            self._results.put(keys.picture_key(prefix, self._series_id, index), JPEG, burn)
            self._results.put(
                keys.plain_key(prefix, self._series_id, index), JPEG, partial(plain_jpeg, windowed)
            )

    def embedding(self, output: EngineOutput) -> None:
        """Have the embedding and the raw heatmaps kept."""
        tensors: dict[str, NDArray[np.generic]] = {
            "embedding": output.embedding.astype(_EMBEDDING_DTYPE),
            "heatmap": output.heatmap,
            "heatmap_resnet": output.heatmap_resnet,
            "heatmap_mobilenet": output.heatmap_mobilenet,
        }
        key = keys.embedding_key(self._results.prefix, self._series_id)
        self._results.put(key, SAFETENSORS, partial(save, tensors))


def _overlay(
    heatmap: NDArray[np.float32], box: NDArray[np.int32], rows: int, columns: int, probability: float
) -> bytes:
    return overlay_png(heat_levels(relative_heat(heatmap, box, rows, columns), probability))


def _burned(
    windowed: NDArray[np.uint8], heatmap: NDArray[np.float32], box: NDArray[np.int32], probability: float
) -> bytes:
    heat = relative_heat(heatmap, box, *windowed.shape)
    return burned_jpeg(windowed, heat_levels(heat, probability), outline(heat))
