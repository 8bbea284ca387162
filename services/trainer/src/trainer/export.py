"""From a trained network to ``model.onnx``: one graph that gives logits, embedding and heatmaps.

The graph holds no weights. Its initialisers point into ``weights.pt`` by offset, the matrices in half precision
followed by a Cast; ONNX Runtime folds the casts and then the batch norms into the convolutions when it loads
the graph (0.5 s), so inference runs at the speed of a graph with folded single-precision weights.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import helper
from onnxscript import ir, optimizer, rewriter
from onnxscript.rewriter.rules import common as rules

from ictus.model.manifest import (
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP,
    OUTPUT_HEATMAP_MOBILENET,
    OUTPUT_HEATMAP_RESNET,
    OUTPUT_LOGITS,
)
from trainer.errors import TrainerError
from trainer.features import open_session
from trainer.network import ExplainedNetwork, HybridNetwork
from trainer.weights import tensor_offsets

OPSET: Final = 18
PARITY: Final = 1e-4
"""Largest difference of graph and network, relative to the larger of the two and to 1."""
_OUTPUTS: Final = (
    OUTPUT_LOGITS,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP,
    OUTPUT_HEATMAP_RESNET,
    OUTPUT_HEATMAP_MOBILENET,
)
_PREFIX: Final = "network."  # ExplainedNetwork's member
_KEPT_RULES: Final = (rules.normalize_pad_format_conv_rule, rules.fuse_pad_into_conv_rule)
"""Of the exporter's clean-up only what leaves the weights untouched: batch norm is folded at load instead."""


class ExportError(TrainerError):
    """The exported graph does not say what the network says."""


def export_graph(network: HybridNetwork, class_index: int, size: int, weights: Path, path: Path) -> None:
    """Write the ONNX graph of a network whose weights were just saved.

    Args:
        network: in evaluation mode, with the values of ``weights`` (``save_weights`` rounds them).
        class_index: the class whose logit the heatmaps explain.
        size: side of the square input in pixels.
        weights: the saved weights, in the folder that the graph goes to.
        path: the graph to write.

    Raises:
        ValueError: ``weights`` is not beside ``path``, or lacks a tensor that the graph needs.
        ExportError: the graph differs from the network by more than ``PARITY``; nothing is replaced.
    """
    if weights.parent != path.parent:
        raise ValueError("The graph and its weights must lie in one folder.")
    explained = ExplainedNetwork(network, class_index).eval()
    program = torch.onnx.export(
        explained,
        (torch.zeros(2, 3, size, size),),
        input_names=[INPUT_PIXELS],
        output_names=list(_OUTPUTS),
        dynamic_shapes={"pixels": {0: torch.export.Dim("slices")}},
        opset_version=OPSET,
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program.")
    model = _simplify(program.model)
    proto = ir.to_proto(model)
    _point_to_weights(proto, weights)
    part = path.with_name(f".{path.name}.part")
    try:
        onnx.save(proto, part)
        onnx.checker.check_model(part)
        _check_parity(explained, part, size)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _check_parity(explained: ExplainedNetwork, graph: Path, size: int) -> None:
    """Hold every output of the graph against torch, for one slice and for three."""
    session = open_session(graph, threads=0)
    generator = torch.Generator().manual_seed(0)
    for slices in (1, 3):
        pixels = torch.randn(slices, 3, size, size, generator=generator)
        with torch.no_grad():
            expected = explained(pixels)._asdict()
        given = session.run(list(expected), {INPUT_PIXELS: pixels.numpy()})
        for (name, value), output in zip(expected.items(), given, strict=True):
            if not np.allclose(output, value.numpy(), atol=PARITY, rtol=PARITY):
                raise ExportError(f"The exported graph's {name} differs from the network's.")


def _simplify(model: ir.Model) -> ir.Model:
    """Fold the exporter's shape arithmetic; drop its traces, which name files of this machine."""
    optimizer.inline(model)
    optimizer.fold_constants(model)
    optimizer.remove_unused_nodes(model)
    model = rewriter.rewrite(model, pattern_rewrite_rules=list(_KEPT_RULES))
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
    return model


def _point_to_weights(model: onnx.ModelProto, weights: Path) -> None:
    """Replace every weight by a reference into the file, and a cast where it is in half precision."""
    state = torch.load(weights, weights_only=True)
    offsets = tensor_offsets(weights)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if not tensor.name.startswith(_PREFIX):
            continue
        name, key = tensor.name, tensor.name.removeprefix(_PREFIX)
        if key not in offsets or list(tensor.dims) != list(state[key].shape):
            raise ValueError(f"{weights.name} has no tensor that fits {key}.")
        is_half = state[key].dtype == torch.float16
        reference = onnx.TensorProto(
            name=f"{name}.half" if is_half else name,
            data_type=onnx.TensorProto.FLOAT16 if is_half else onnx.TensorProto.FLOAT,
            dims=tensor.dims,
            data_location=onnx.TensorProto.EXTERNAL,
        )
        place = {"location": weights.name, "offset": offsets[key], "length": state[key].nbytes}
        for member, value in place.items():
            reference.external_data.add(key=member, value=str(value))
        if is_half:
            casts.append(helper.make_node("Cast", [reference.name], [name], to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(reference)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
