import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from trainer.export import OPSET
from trainer.network import ExplainedNetwork, HybridNetwork
from trainer.weights import save_weights, tensor_offsets


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
    # Shapes, and a few vectors of the head that the exporter has already multiplied out.
    assert sum(t.ByteSize() for t in inline) < 0.01 * (exported / "weights.pt").stat().st_size
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


def test_pickled_payload_is_refused_and_not_executed(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    content = io.BytesIO()
    torch.save({"resnet.conv1.weight": Payload()}, content)
    (tmp_path / "weights.pt").write_bytes(content.getvalue())
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "weights.pt", weights_only=True)
    assert not (tmp_path / "executed").exists()
