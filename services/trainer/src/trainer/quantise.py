"""The 8-bit graph: made from the single-precision one, and served only when it says the same.

The ResNet's convolutions run in 8-bit integers (QDQ format: Jacob et al., CVPR 2018). The MobileNet, which is
a fourteenth of the work and loses most by it (its depthwise channels differ widely in range), the head, the
embedding and the heatmaps stay in single precision. Weights have one scale for each output channel and 7 bits:
on processors without VNNI, products of 8-bit values would overflow their 16-bit sums.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from tqdm import tqdm

from ictus.model.manifest import (
    GRAPH_FILE,
    INPUT_PIXELS,
    INT8_GRAPH_FILE,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP,
    OUTPUT_LOGITS,
    Compared,
    ModelDirectory,
    ModelManifest,
    Quantisation,
    load_model_directory,
)
from ictus.model.preprocess import PreprocessParams, prepare
from ictus.model.suitability import embedding_faults, embedding_novelty, load_statistics
from trainer.build import describe
from trainer.calibrate import Fitted, HeldOut, Judged, judge
from trainer.data import Dataset, read_picture
from trainer.errors import TrainerError
from trainer.evaluation import evaluate
from trainer.features import open_session

Float32 = NDArray[np.float32]

MAXIMUM_LOSS: Final = 0.005
"""Of ROC-AUC, of both sensitivities, and of the share of slices that may be judged."""
MINIMUM_HEATMAP_SIMILARITY: Final = 0.9
_CALIBRATION_SLICES: Final = 200
_QUANTISED: Final = ("Conv",)
_KEPT: Final = "network.mobilenet."
"""In the names of the weights whose convolutions stay in single precision."""
_FOLDS_CONSTANTS: Final = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC


class QuantisationError(TrainerError):
    """An 8-bit graph cannot be made or compared with this data."""


@dataclass(frozen=True)
class Verdict:
    """Whether the 8-bit graph may be served, and why not.

    Attributes:
        figures: what both graphs do on the same slices.
        faults: one sentence for each figure that lost too much; empty when it may be served.
    """

    figures: Quantisation
    faults: tuple[str, ...]


def calibration_pictures(dataset: Dataset, limit: int = _CALIBRATION_SLICES) -> list[Path]:
    """Training pictures that the activations' ranges are taken from: spread evenly over all patients."""
    paths = [s.path for s in dataset.slices]
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(limit, len(paths))).round().astype(int))
    return [paths[i] for i in chosen]


def quantise(preprocess: PreprocessParams, graph: Path, pictures: Sequence[Path], target: Path) -> None:
    """Write the 8-bit graph of a model.

    Args:
        preprocess: how pictures become network input.
        graph: the single-precision graph, beside its weights.
        pictures: training pictures that the activations' ranges are taken from.
        target: the file to write; it holds its own weights.

    Raises:
        QuantisationError: there is no picture to calibrate on.
    """
    if not pictures:
        raise QuantisationError("There is no picture to calibrate the 8-bit graph on.")
    with tempfile.TemporaryDirectory() as folder:
        folded = _fold(graph, Path(folder))
        kept = [n.name for n in folded.graph.node if n.op_type in _QUANTISED and _KEPT in n.input[1]]
        quantize_static(
            folded,
            target,
            _Pictures(preprocess, pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=kept,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    made = onnx.load(target)
    for node in made.graph.node:
        node.doc_string = ""
    onnx.save(made, target)
    onnx.checker.check_model(target)


def compare(model: ModelDirectory, fp32: Path, int8: Path, dataset: Dataset, calibrated_on: int) -> Verdict:
    """Run both graphs over labelled slices, and say whether the 8-bit one may be served.

    Args:
        model: gives preprocessing, calibration, limits and suitability, which hold for both graphs.
        fp32: the single-precision graph.
        int8: the 8-bit graph.
        dataset: labelled slices; best those that neither graph has seen.
        calibrated_on: number of pictures that the activations' ranges were taken from.

    Raises:
        EvaluationError: the data has no strokes or no normals.
    """
    before, after = _run(model.manifest, fp32, dataset), _run(model.manifest, int8, dataset)
    judged = [_judge(model, outputs, dataset) for outputs in (before, after)]
    names = ("roc_auc", "sensitivity", "sensitivity_ruling_out")
    values = [{m.name: m.value for m in evaluate("slice", j, seed=0)} for j in judged]
    refused = [_refused(model, outputs) for outputs in (before, after)]
    figures = Quantisation(
        calibration_slices=calibrated_on,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        slices=len(dataset.slices),
        **{name: Compared(fp32=values[0][name], int8=values[1][name]) for name in names},
        refused=Compared(fp32=refused[0], int8=refused[1]),
        heatmap_similarity=_similarity(before.heatmap, after.heatmap),
    )
    return Verdict(figures, faults(figures))


def faults(figures: Quantisation) -> tuple[str, ...]:
    """What of the figures forbids serving the 8-bit graph: a loss beyond ``MAXIMUM_LOSS``, other heatmaps.

    A figure that is better in 8 bits by more than that is a fault too: it is another model, not the same.
    """
    found = []
    for name in ("roc_auc", "sensitivity", "sensitivity_ruling_out", "refused"):
        pair: Compared = getattr(figures, name)
        if not abs(pair.int8 - pair.fp32) <= MAXIMUM_LOSS:
            found.append(f"{name} is {pair.int8:.4f} in 8 bits and {pair.fp32:.4f} in single precision.")
    if not figures.heatmap_similarity >= MINIMUM_HEATMAP_SIMILARITY:
        found.append(f"The heatmaps' similarity is {figures.heatmap_similarity:.3f}.")
    return tuple(found)


def add_int8(
    model: ModelDirectory, training: Dataset, comparison: Dataset
) -> tuple[ModelDirectory, tuple[str, ...]]:
    """Give a model directory an 8-bit graph, and serve that, if it says what the single-precision one says.

    Args:
        model: a verified model directory.
        training: the data set whose pictures the activations' ranges are taken from.
        comparison: labelled slices to compare both graphs on.

    Returns:
        The directory as it now is, and why the 8-bit graph was removed; empty when it is served.

    Raises:
        EvaluationError: the comparison's data has no strokes or no normals.
    """
    target, fp32 = model.path / INT8_GRAPH_FILE, model.path / GRAPH_FILE
    part = target.with_name(f".{target.name}.part")
    pictures = calibration_pictures(training)
    try:
        quantise(model.manifest.preprocess, fp32, pictures, part)
        verdict = compare(model, fp32, part, comparison, len(pictures))
        if verdict.faults:
            return model, verdict.faults
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    describe(model.path, serve_int8(model.manifest, verdict))
    return load_model_directory(model.path), ()


def serve_int8(manifest: ModelManifest, verdict: Verdict) -> ModelManifest:
    """The manifest of a directory whose 8-bit graph is served.

    Raises:
        QuantisationError: it may not be.
    """
    if verdict.faults:
        raise QuantisationError("The 8-bit graph is not served. " + " ".join(verdict.faults))
    return manifest.model_copy(update={"served_graph": INT8_GRAPH_FILE, "quantisation": verdict.figures})


@dataclass(frozen=True)
class _Outputs:
    logits: Float32
    embedding: Float32
    heatmap: Float32


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Prepared pictures, one at a time, as the calibration asks for them."""

    def __init__(self, preprocess: PreprocessParams, pictures: Sequence[Path]) -> None:
        self._preprocess = preprocess
        self._left = iter(tqdm(pictures, desc="calibrating 8 bits", unit="slice"))

    def get_next(self) -> dict[str, Float32] | None:
        """The next picture's network input; None after the last one."""
        path = next(self._left, None)
        if path is None:
            return None
        return {INPUT_PIXELS: prepare(read_picture(path), self._preprocess).pixels}


def _fold(graph: Path, folder: Path) -> onnx.ModelProto:
    """The graph with single-precision constants for weights, the batch norms folded into them."""
    whole, folded = folder / "whole.onnx", folder / "folded.onnx"
    onnx.save(onnx.load(graph), whole)  # takes the tensors from weights.pt
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = _FOLDS_CONSTANTS
    options.optimized_model_filepath = str(folded)
    options.log_severity_level = 3  # errors: that the file fits this machine only is known
    onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
    model = onnx.load(folded)
    add_pre_process_metadata(model)
    return model


def _run(manifest: ModelManifest, graph: Path, dataset: Dataset) -> _Outputs:
    session = open_session(graph, threads=0)
    names = [OUTPUT_LOGITS, OUTPUT_EMBEDDING, OUTPUT_HEATMAP]
    rows = [
        session.run(names, {INPUT_PIXELS: prepare(read_picture(s.path), manifest.preprocess).pixels})
        for s in tqdm(dataset.slices, desc=f"comparing {graph.name}", unit="slice")
    ]
    return _Outputs(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _judge(model: ModelDirectory, outputs: _Outputs, dataset: Dataset) -> Judged:
    held_out = HeldOut(outputs.logits, dataset.labels, dataset.patients)
    fitted = Fitted(model.manifest.calibration, model.manifest.decision)
    return judge(held_out, fitted, model.manifest.aggregation)[0]


def _refused(model: ModelDirectory, outputs: _Outputs) -> float:
    """Share of slices that the embedding check refuses; 0 where the model has none."""
    limits = model.manifest.suitability.embedding
    if limits is None:
        return 0.0
    found = embedding_faults(
        embedding_novelty(outputs.embedding, load_statistics(model.path, limits), limits)
    )
    return float(np.mean([fault is not None for fault in found]))


def _similarity(before: Float32, after: Float32) -> float:
    """Mean cosine similarity of the heatmaps that show something in single precision; 1 where none does."""
    a, b = (maps.reshape(len(maps), -1).astype(np.float64) for maps in (before, after))
    shown = np.linalg.norm(a, axis=1) > 0
    if not shown.any():
        return 1.0
    a, b = a[shown], b[shown]
    cosine = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-30)
    return float(np.clip(cosine.mean(), -1, 1))
