from pathlib import Path

import pytest
import torch

from ictus.model.manifest import Architecture
from trainer.export import export_graph
from trainer.network import HybridNetwork
from trainer.weights import save_weights

SIZE = 64
CLASSES = 2


@pytest.fixture(scope="session")
def architecture() -> Architecture:
    return Architecture(
        resnet="resnet18", mobilenet="mobilenet_v3_small", hidden=16, mobilenet_same_padding=True
    )


@pytest.fixture(scope="session")
def network(architecture: Architecture) -> HybridNetwork:
    """A small network with random weights and batch norms that have seen something."""
    torch.manual_seed(0)
    made = HybridNetwork(architecture, CLASSES)
    with torch.no_grad():
        made.train()
        for _ in range(3):
            made(torch.randn(8, 3, SIZE, SIZE))
    return made.eval()


@pytest.fixture(scope="session")
def exported(network: HybridNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network's weights and graph."""
    folder = tmp_path_factory.mktemp("exported")
    save_weights(network, folder / "weights.pt")
    export_graph(network, 1, SIZE, folder / "weights.pt", folder / "model.onnx")
    return folder
