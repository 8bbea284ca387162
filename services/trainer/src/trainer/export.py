"""From a trained network to ``model.onnx``: one graph that gives logits, embedding and heatmaps.

The graph holds no weights. Its initialisers point into ``weights.pt`` by offset, the matrices in half precision
followed by a Cast; ONNX Runtime folds the casts and then the batch norms into the convolutions when it loads
the graph (0.5 s), so inference runs at the speed of a graph with folded single-precision weights.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import structlog
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
_HALF: Final = ".half"  # ends the names of tensors that a Cast follows
_KEPT_RULES: Final = (rules.normalize_pad_format_conv_rule, rules.fuse_pad_into_conv_rule)
"""Of the exporter's clean-up only what leaves the weights untouched: batch norm is folded at load instead."""

_log = structlog.get_logger(__name__)


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
    proto = ir.to_proto(_simplify(program.model))
    _point_to_weights(proto, weights)
    _write_checked(proto, explained, size, path)


def export_like(
    base: Path, network: HybridNetwork, class_index: int, size: int, weights: Path, path: Path
) -> None:
    """Write the graph of a network that was learned on top of another: the other's nodes, with the new weights.

    That takes a second where an export takes ten or more. A graph that does not fit is exported anew.

    Args:
        base: the other network's graph.
        network: in evaluation mode, with the values of ``weights``.
        class_index: the class whose logit the heatmaps explain.
        size: side of the square input in pixels.
        weights: the saved weights, in the folder that the graph goes to.
        path: the graph to write.

    Raises:
        ValueError, ExportError: as ``export_graph``.
    """
    proto = onnx.load(base, load_external_data=False)
    try:
        _point_again(proto, weights)
        _write_checked(proto, ExplainedNetwork(network, class_index).eval(), size, path)
    except (ExportError, ValueError) as error:
        _log.info("graph_exported_anew", reason=str(error))
        export_graph(network, class_index, size, weights, path)


def _write_checked(proto: onnx.ModelProto, explained: ExplainedNetwork, size: int, path: Path) -> None:
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
    """Fold the exporter's shape arithmetic; drop its traces, which name files of this machine.

    What is reckoned from weights stays to be reckoned, so that the graph fits every network of its architecture.
    """
    optimizer.inline(model)
    optimizer.fold_constants(model, should_fold=lambda node: False if _takes_a_weight(node) else None)
    optimizer.remove_unused_nodes(model)
    model = rewriter.rewrite(model, pattern_rewrite_rules=list(_KEPT_RULES))
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
    return model


def _takes_a_weight(node: ir.Node) -> bool:
    return any(value is not None and (value.name or "").startswith(_PREFIX) for value in node.inputs)


def _point_to_weights(model: onnx.ModelProto, weights: Path) -> None:
    """Replace every weight by a reference into the file, and a cast where it is in half precision."""
    place = _Places(weights)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if not tensor.name.startswith(_PREFIX):
            continue
        name, key = tensor.name, tensor.name.removeprefix(_PREFIX)
        is_half = place.is_half(key)
        reference = place.reference(f"{name}{_HALF}" if is_half else name, key, tensor.dims)
        if is_half:
            casts.append(helper.make_node("Cast", [reference.name], [name], to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(reference)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]


def _point_again(model: onnx.ModelProto, weights: Path) -> None:
    """Let the references of an exported graph point into another file of the same tensors."""
    place = _Places(weights)
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        key = tensor.name.removeprefix(_PREFIX).removesuffix(_HALF)
        if place.is_half(key) != tensor.name.endswith(_HALF):
            raise ValueError(f"{weights.name} has {key} in another precision.")
        tensor.CopyFrom(place.reference(tensor.name, key, tensor.dims))


class _Places:
    """Where a file holds which tensor."""

    def __init__(self, weights: Path) -> None:
        self._name = weights.name
        self._state: Mapping[str, torch.Tensor] = torch.load(weights, weights_only=True)
        self._offsets = tensor_offsets(weights)

    def is_half(self, key: str) -> bool:
        """Whether a tensor is kept in half precision; False when there is none."""
        return key in self._state and self._state[key].dtype == torch.float16

    def reference(self, name: str, key: str, dims: Sequence[int]) -> onnx.TensorProto:
        """An initialiser that takes its values from the file.

        Raises:
            ValueError: the file lacks the tensor, or has it in another shape.
        """
        if key not in self._offsets or list(dims) != list(self._state[key].shape):
            raise ValueError(f"{self._name} has no tensor that fits {key}.")
        reference = onnx.TensorProto(
            name=name,
            data_type=onnx.TensorProto.FLOAT16 if self.is_half(key) else onnx.TensorProto.FLOAT,
            dims=dims,
            data_location=onnx.TensorProto.EXTERNAL,
        )
        place = {"location": self._name, "offset": self._offsets[key], "length": self._state[key].nbytes}
        for member, value in place.items():
            reference.external_data.add(key=member, value=str(value))
        return reference
