import csv
from pathlib import Path

import cv2
import pytest
import torch

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.manifest import Architecture
from ictus.model.preprocess import PreprocessParams
from trainer.data import Dataset, load_dataset
from trainer.export import export_graph
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.torchvision_import import torchvision
from trainer.training.params import TrainingParams
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


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of sixteen drawn patients with three slices each; every second one bleeds."""
    folder = tmp_path_factory.mktemp("phantoms")
    rows = []
    for patient in range(16):
        bleeds = patient % 2
        volume = head_ct(3, 96, Bleed() if bleeds else None, seed=patient)
        for number in range(3):
            name = f"{patient:02d} ({number}).png"
            cv2.imwrite(str(folder / name), brain_window(volume, number))
            rows.append([name, f"{patient:02d}", number, bleeds])
    with (folder / "slice_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "patient", "slice_no", "slice_ich"], *rows])
    return folder


@pytest.fixture(scope="session")
def phantoms(phantom_folder: Path) -> Dataset:
    return load_dataset(phantom_folder)


@pytest.fixture(scope="session")
def pretrained_folder(architecture: Architecture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for ImageNet weights, drawn from a seed."""
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(7)
    for name in (architecture.resnet, architecture.mobilenet):
        torch.save(torchvision.models.get_model(name, weights=None).state_dict(), folder / f"{name}.pth")
    return folder


@pytest.fixture(scope="session")
def tiny_recipe(architecture: Architecture) -> Recipe:
    """Three folds of a small network at 64 pixels; the last stages of the backbones learn."""
    return Recipe(
        architecture=architecture.model_copy(update={"dropout": 0.3}),
        preprocess=PreprocessParams(size=SIZE),
        training=TrainingParams.model_validate(
            {
                "frozen_depth": "layer4",
                "positive_views": 2,
                "learning_rate": 3e-3,
                "weight_decay": 0.01,
                "batch_size": 8,
                "epochs": 4,
                "head_epochs": 1,
                "patience": 4,
                "average_decay": 0.9,
                "warm_up_epochs": 0.5,
                "cosine": True,
            }
        ),
        folds=2,
        seed=3,
    )
