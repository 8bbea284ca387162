import copy
import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from structlog.testing import capture_logs
from tests.trainer.small_model import manifest, model
from typer.testing import CliRunner

from ictus.model.manifest import (
    MANIFEST_FILE,
    WEIGHTS_FILE,
    ModelDirectory,
    ModelRefusedError,
    load_model_directory,
)
from ictus.model.signature import SIGNATURE_FILE, load_signed_model_directory
from local.secret_files import ModelKeys
from trainer.build import describe
from trainer.cli import app
from trainer.export import OPSET, ExportError, export_like
from trainer.network import ExplainedNetwork, HybridNetwork
from trainer.sign import sign_manifest
from trainer.weights import load_network, round_weights, save_weights, tensor_offsets

__all__ = ["manifest", "model"]


@pytest.mark.parametrize("slices", [1, 3])
def test_graph_says_what_the_network_says(network: HybridNetwork, exported: Path, slices: int) -> None:
    pixels = torch.randn(slices, 3, 64, 64, generator=torch.Generator().manual_seed(slices))
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    given = session.run(None, {"pixels": pixels.numpy()})
    with torch.no_grad():
        expected = ExplainedNetwork(network, 1)(pixels)._asdict()
    assert [output.name for output in session.get_outputs()] == list(expected)
    for name, value in zip(expected, given, strict=True):
        np.testing.assert_allclose(value, expected[name].numpy(), atol=1e-4, rtol=1e-4, err_msg=name)


def test_graph_holds_no_weights_and_names_no_file_of_this_machine(exported: Path) -> None:
    raw = (exported / "model.onnx").read_bytes()
    model = onnx.load_model_from_string(raw)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
    external = [t for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    assert {e.value for t in external for e in t.external_data if e.key == "location"} == {"weights.pt"}
    inline = [t for t in model.graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
    vectors = [
        onnx.numpy_helper.to_array(t) for t in inline if t.data_type == onnx.TensorProto.FLOAT and t.dims
    ]
    assert not any(vector.any() for vector in vectors), "of convolutions without a bias"
    assert b"site-packages" not in raw
    assert str(Path(__file__).parents[2]).encode() not in raw


def test_weights_are_a_plain_state_dict_in_half_precision(network: HybridNetwork, exported: Path) -> None:
    state = torch.load(exported / "weights.pt", weights_only=True)
    assert state.keys() == network.state_dict().keys()
    assert {v.dtype for v in state.values() if v.ndim > 1} == {torch.float16}


def test_weights_lie_uncompressed_where_their_offsets_say(exported: Path) -> None:
    path = exported / "weights.pt"
    with zipfile.ZipFile(path) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    state = torch.load(path, weights_only=True)
    raw = path.read_bytes()
    for key, offset in tensor_offsets(path).items():
        assert raw[offset : offset + state[key].nbytes] == state[key].numpy().tobytes()


def test_saving_rounds_the_network_to_what_was_saved(network: HybridNetwork, exported: Path) -> None:
    state = torch.load(exported / "weights.pt", weights_only=True)
    for key, value in network.state_dict().items():
        assert torch.equal(value, state[key].to(value.dtype)), key


def test_weight_beyond_half_precision_is_refused(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 2)
    torch.nn.init.constant_(layer.weight, 1e6)
    with pytest.raises(ValueError, match="does not fit half precision"):
        save_weights(layer, tmp_path / "weights.pt")


@pytest.fixture
def payload(tmp_path: Path) -> tuple[bytes, Path]:
    """A weights file that leaves a mark when it is unpickled, and the mark."""
    mark = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (mark,))

    content = io.BytesIO()
    torch.save({"resnet.conv1.weight": Payload()}, content)
    return content.getvalue(), mark


def test_payload_would_leave_its_mark(payload: tuple[bytes, Path]) -> None:
    """Or the tests below would prove nothing."""
    content, mark = payload
    torch.load(io.BytesIO(content), weights_only=False)
    assert mark.exists()


def test_pickled_payload_is_refused_and_not_executed(
    model: ModelDirectory, model_keys: ModelKeys, payload: tuple[bytes, Path]
) -> None:
    """Put in the place of weights: without its digest, with it, and even signed by whoever may release models."""
    content, mark = payload
    (model.path / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(ModelRefusedError, match="was changed"):
        load_model_directory(model.path)
    describe(model.path, model.manifest)
    with pytest.raises(ModelRefusedError, match="not signed"):
        load_signed_model_directory(model.path, model_keys.public)
    sign_manifest(model.path / MANIFEST_FILE, model_keys.private, model.path / SIGNATURE_FILE)
    released = load_signed_model_directory(model.path, model_keys.public)
    with pytest.raises(ModelRefusedError, match="does not hold this network's weights"):
        load_network(released.path, released.manifest)
    assert not mark.exists()


def test_network_learned_on_top_of_another_takes_its_nodes(
    network: HybridNetwork, exported: Path, tmp_path: Path
) -> None:
    changed = copy.deepcopy(network)
    with torch.no_grad():
        changed.head.classify.bias += torch.tensor([0.5, -0.5])
        for parameter in changed.parameters():
            parameter.mul_(1.1)
    round_weights(changed)
    save_weights(changed, tmp_path / "weights.pt")
    with capture_logs() as told:
        export_like(exported / "model.onnx", changed, 1, 64, tmp_path / "weights.pt", tmp_path / "model.onnx")
    assert told == []
    pixels = torch.rand(2, 3, 64, 64)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (given,) = session.run(["logits"], {"pixels": pixels.numpy()})
    with torch.no_grad():
        expected = ExplainedNetwork(changed, 1)(pixels).logits.numpy()
        before = ExplainedNetwork(network, 1)(pixels).logits.numpy()
    np.testing.assert_allclose(given, expected, atol=1e-4)
    assert not np.allclose(given, before, atol=0.1)


def test_graph_that_says_something_else_does_not_replace_the_old_one(
    network: HybridNetwork, exported: Path, tmp_path: Path
) -> None:
    """The weights on disk are not the network's: a file of another training lies there. Neither way writes a graph."""
    for name in ("weights.pt", "model.onnx"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    before = (tmp_path / "model.onnx").read_bytes()
    changed = copy.deepcopy(network)
    with torch.no_grad():
        changed.head.classify.bias += 0.5
    with capture_logs() as told, pytest.raises(ExportError, match="logits differs"):
        export_like(exported / "model.onnx", changed, 1, 64, tmp_path / "weights.pt", tmp_path / "model.onnx")
    assert [one["event"] for one in told] == ["graph_exported_anew"]
    assert (tmp_path / "model.onnx").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "weights.pt"]


def test_command_exports_again_and_its_dry_run_does_not(model: ModelDirectory) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in model.path.iterdir()}
    dry = CliRunner().invoke(app, ["export", str(model.path), "--dry-run"])
    assert "would write model.onnx" in dry.output
    assert {file.name: file.stat().st_mtime_ns for file in model.path.iterdir()} == before
    result = CliRunner().invoke(app, ["export", str(model.path)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == load_model_directory(model.path).sha256
    assert "golden.json" in load_model_directory(model.path).manifest.files
