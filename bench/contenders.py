"""The same scan answered in different ways, from the least that is possible to what people usually write."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import cv2
import numpy as np
import pydicom
import torch
from numpy.typing import NDArray

from ictus.domain.enums import Stage
from ictus.imaging.volume import Volume
from ictus.model.preprocess import prepare
from inference.artefacts import LoadedModel
from inference.pipeline import SeriesInput, analyse
from inference.results import KeptResults
from trainer.network import HybridNetwork
from trainer.weights import load_network

# isort: split
# The package imports torchvision, which the trainer's network has made importable beside this torch.
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

Contender = Callable[[], float]
"""Answers the scan once and says how many seconds that took."""


def timed(act: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = perf_counter()
    act()
    return perf_counter() - started


def file_decode(files: list[Path]) -> Contender:
    """Reading the DICOM files' pixels, which everybody has to do."""
    return lambda: timed(lambda: [pydicom.dcmread(file).pixel_array for file in files])


def bare_forward(model: LoadedModel, volume: Volume) -> Contender:
    """The network alone, on input that is ready: logits, embedding and heatmaps of every slice."""
    pixels = prepare(volume, model.directory.manifest.preprocess).pixels
    batch = model.engine.batch
    return lambda: timed(
        lambda: [model.engine.run(pixels[i : i + batch]) for i in range(0, len(pixels), batch)]
    )


def pipeline(model: LoadedModel, stored: bytes) -> Contender:
    """The worker's pipeline without its network: stored volume in, answer and all pictures out."""

    def ignore(stage: Stage, done: int = 0, total: int = 0) -> None:
        pass

    def answer() -> None:
        slices = Volume.from_bytes(stored).shape[0]
        series = SeriesInput(uuid4(), slices, lambda: Volume.from_bytes(stored))
        analyse(model, [series], KeptResults(), ignore)

    return lambda: timed(answer)


def usual(model: LoadedModel, files: list[Path]) -> Contender:
    """What people usually write: per file, eager torch for the answer, then ``grad-cam`` for the picture."""
    manifest = model.directory.manifest
    network = load_network(model.directory.path, manifest)
    target = ClassifierOutputTarget([c.name for c in manifest.classes].index(manifest.explained_class))
    layers = [network.resnet.layer4[-1], network.mobilenet[-1]]
    side = manifest.preprocess.size
    mean, deviation = np.array(manifest.preprocess.mean), np.array(manifest.preprocess.deviation)

    def answer() -> None:
        with GradCAM(network, layers) as cam, tempfile.TemporaryDirectory() as folder:
            for number, file in enumerate(files):
                picture = cv2.resize(_windowed(file), (side, side)).astype(np.float32) / 255
                colour = np.repeat(picture[..., None], 3, axis=2)
                normalised = ((colour - mean) / deviation).transpose(2, 0, 1)[None]
                pixels = torch.from_numpy(normalised.astype(np.float32))
                _probability(network, pixels)
                heat = cam(input_tensor=pixels, targets=[target])[0]
                overlay = show_cam_on_image(colour, heat, use_rgb=True)
                cv2.imwrite(str(Path(folder) / f"{number}.jpg"), overlay)

    return lambda: timed(answer)


def _probability(network: HybridNetwork, pixels: torch.Tensor) -> float:
    with torch.no_grad():
        return float(torch.softmax(network(pixels), dim=1)[0, 1])


def _windowed(file: Path) -> NDArray[np.uint8]:
    """A CT slice in the brain window."""
    instance = pydicom.dcmread(file)
    hounsfield = instance.pixel_array * float(instance.RescaleSlope) + float(instance.RescaleIntercept)
    return np.asarray(np.clip(hounsfield / 80 * 255, 0, 255), dtype=np.uint8)
