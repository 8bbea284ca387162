"""Where the network looked: this project's closed form beside the other methods of the grad-cam package.

The package differentiates through both backbones and averages their maps; the closed form adds what both
backbones contribute at each place (``trainer.network``). Each map is shown relative to its own hottest spot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from ictus.model.calibration import slice_probabilities
from ictus.model.manifest import ModelDirectory
from ictus.model.preprocess import prepare, project_to_slice
from trainer.data import read_picture
from trainer.errors import TrainerError
from trainer.evaluation.figures import save
from trainer.network import ExplainedNetwork, HybridNetwork
from trainer.weights import load_network

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

OURS: Final = "closed form"
OURS_RESNET: Final = "closed form, ResNet"
OURS_MOBILENET: Final = "closed form, MobileNet"
METHODS: Final = {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
    "scorecam": "ScoreCAM",
    "ablationcam": "AblationCAM",
}
"""The package's methods by name, and its classes; the last two run the network once for each of some thousand channels."""
_COLUMNS: Final = 4
_WEAKEST: Final = 0.05
_STRONGEST_ALPHA: Final = 0.6


class ExplanationError(TrainerError):
    """A picture cannot be explained as was asked."""


@dataclass(frozen=True)
class Explanation:
    """One picture and where each method says the network looked.

    Attributes:
        name: of the picture.
        picture: (rows, columns) uint8, as a person looks at it.
        probability: of stroke, calibrated, 0..1.
        maps: method to (rows, columns) float32, 0..1 relative to the hottest spot; all zero when nothing in the
            picture speaks for the explained class.
        similarity: method to the cosine similarity of its map with the closed form's; NaN where one is all zero.
    """

    name: str
    picture: UInt8
    probability: float
    maps: dict[str, Float32]
    similarity: dict[str, float]


class Explainer:
    """Explains pictures with one model.

    Args:
        model: a verified model directory.
        methods: names of ``METHODS`` to compare with.

    Raises:
        ExplanationError: there is no such method.
    """

    def __init__(self, model: ModelDirectory, methods: Sequence[str]) -> None:
        unknown = [name for name in methods if name not in METHODS]
        if unknown:
            raise ExplanationError(f"There is no method {unknown[0]}. There are: {', '.join(METHODS)}.")
        self._manifest = model.manifest
        self._methods = tuple(methods)
        self._network = load_network(model.path, model.manifest)
        names = [c.name for c in model.manifest.classes]
        self._class_index = names.index(model.manifest.explained_class)

    def explain(self, path: Path) -> Explanation:
        """One picture, by the closed form and by each method.

        Raises:
            DatasetError: the picture cannot be decoded.
        """
        manifest = self._manifest
        prepared = prepare(read_picture(path), manifest.preprocess)
        pixels = torch.from_numpy(prepared.pixels[:1])
        with torch.no_grad():
            ours = ExplainedNetwork(self._network, self._class_index)(pixels)
        stroke = slice_probabilities(ours.logits.numpy(), manifest.calibration)
        found = {
            OURS: ours.heatmap[0].numpy(),
            OURS_RESNET: ours.heatmap_resnet[0].numpy(),
            OURS_MOBILENET: ours.heatmap_mobilenet[0].numpy(),
        }
        for name in self._methods:
            found[name] = _by_package(METHODS[name], self._network, pixels, self._class_index)
        picture = prepared.windowed[0]
        maps = {name: _on_slice(heat, prepared.boxes[0], picture.shape) for name, heat in found.items()}
        return Explanation(
            name=path.stem,
            picture=picture,
            probability=float(stroke[0, list(manifest.stroke_classes)].sum()),
            maps=maps,
            similarity={name: _cosine(maps[OURS], heat) for name, heat in maps.items() if name != OURS},
        )


def draw(explanation: Explanation, folder: Path) -> Path:
    """Write one panel for each method beside the picture; gives the PNG, beside which lies an SVG."""
    return save(lambda: _panels(explanation), folder, explanation.name)[1]


def _panels(explanation: Explanation) -> Figure:
    titles = {"": f"p(stroke) {explanation.probability:.2f}", OURS: OURS}
    titles |= {name: f"{name} ({value:.2f})" for name, value in explanation.similarity.items()}
    rows = -(-len(titles) // _COLUMNS)
    figure = Figure(figsize=(2.4 * _COLUMNS, 2.7 * rows), layout="constrained")
    places = np.atleast_1d(figure.subplots(rows, _COLUMNS, squeeze=False)).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, (name, title) in zip(places, titles.items(), strict=False):
        axes.imshow(explanation.picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=8)
        if name:
            heat = explanation.maps[name]
            strength = np.where(heat < _WEAKEST, 0, np.sqrt(heat) * _STRONGEST_ALPHA)
            axes.imshow(heat, cmap="turbo", vmin=0, vmax=1, alpha=strength)
    return figure


def _by_package(method: str, network: HybridNetwork, pixels: Tensor, class_index: int) -> Float32:
    """(size, size): the mean of both backbones' maps, each scaled to 0..1."""
    # It imports torchvision, which trainer.torchvision_import (by way of trainer.network) must have imported before.
    import pytorch_grad_cam  # noqa: PLC0415
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: PLC0415

    make = getattr(pytorch_grad_cam, method)
    layers = [cast("nn.Sequential", network.resnet.layer4)[-1], network.mobilenet[-1]]
    maps = []
    for layer in layers:
        with make(model=network, target_layers=[layer]) as cam:
            maps.append(cam(input_tensor=pixels, targets=[ClassifierOutputTarget(class_index)])[0])
    mean: Float32 = np.mean(maps, axis=0, dtype=np.float32)
    return mean


def _on_slice(heat: Float32, box: NDArray[np.int32], shape: tuple[int, ...]) -> Float32:
    hottest = float(heat.max())
    if not hottest > 0:
        return np.zeros(shape, dtype=np.float32)
    rows, columns = shape
    return project_to_slice((heat / hottest).astype(np.float32), box, rows, columns)


def _cosine(one: Float32, other: Float32) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / lengths) if lengths > 0 else float("nan")
