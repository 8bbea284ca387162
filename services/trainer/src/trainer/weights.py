"""``weights.pt``: the one copy of the weights, a state dict with its matrices in half precision.

Vectors (biases, batch norms) stay in single precision: they are 0.5 % of the bytes, and a running variance
can lie beyond half precision's range.

The file is an uncompressed zip (torch's own format), so other readers can take a tensor's bytes from it by
offset; the ONNX graph does. It is only ever loaded with ``weights_only=True``: nothing in it is executed.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from ictus.model.manifest import WEIGHTS_FILE, ModelManifest, ModelRefusedError
from trainer.network import HybridNetwork


class WeightsRangeError(ValueError):
    """A weight does not fit half precision."""


def save_weights(network: nn.Module, path: Path) -> None:
    """Round the network's matrices to half precision, in place too, and write the state dict.

    The network is changed so that what is exported or evaluated next is exactly what was saved.

    Raises:
        WeightsRangeError: a value is beyond half precision's range.
    """
    torch.save(round_weights(network), path)


def round_weights(network: nn.Module) -> dict[str, Tensor]:
    """Round the network's matrices to half precision, in place; the state dict as it is kept.

    Raises:
        WeightsRangeError: a value is beyond half precision's range.
    """
    # Others read the bytes in the order of the dimensions, however training laid them.
    state = {key: _half(key, value.contiguous()) for key, value in network.state_dict().items()}
    network.load_state_dict(state)
    return state


def load_network(directory: Path, manifest: ModelManifest) -> HybridNetwork:
    """The network of a verified model directory, in single precision and evaluation mode.

    Raises:
        ModelRefusedError: the file holds more than tensors, or other tensors than the architecture's; what it
            holds is not executed.
    """
    network = HybridNetwork(manifest.architecture, len(manifest.classes))
    try:
        state = torch.load(directory / WEIGHTS_FILE, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except (pickle.UnpicklingError, RuntimeError, TypeError, AttributeError) as error:
        raise ModelRefusedError(f"{WEIGHTS_FILE} does not hold this network's weights.") from error
    return network.eval()


def tensor_offsets(path: Path) -> dict[str, int]:
    """Where each tensor's bytes begin in a file that ``save_weights`` wrote.

    Raises:
        ValueError: the bytes found there are not the tensor's (another file layout).
    """
    state: Mapping[str, Tensor] = torch.load(path, weights_only=True)
    with FakeTensorMode():  # reads the directory only; the storages then know their place in the file
        layout: Mapping[str, Tensor] = torch.load(path, weights_only=True)
    offsets = {}
    with path.open("rb") as file:
        for key, tensor in layout.items():
            offset = tensor.untyped_storage()._checkpoint_offset
            if offset is None:
                raise ValueError(f"{path.name} does not say where {key} lies.")
            file.seek(offset)
            if file.read(tensor.nbytes) != state[key].numpy().tobytes():
                raise ValueError(f"{path.name} does not hold {key} where its directory says.")
            offsets[key] = offset
    return offsets


def _half(key: str, value: Tensor) -> Tensor:
    if not value.is_floating_point() or value.ndim < 2:
        return value
    half = value.half()
    if not torch.isfinite(half).all():
        raise WeightsRangeError(f"{key} does not fit half precision.")
    return half
