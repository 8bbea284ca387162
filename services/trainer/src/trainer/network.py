"""The hybrid network: ResNet and MobileNet look at the same slice, and one small head decides on both.

    pixels ─┬─ ResNet    ── maps ── global pooling ─┐
            └─ MobileNet ── maps ── global pooling ─┴─ fusion ── dense head ── logits (softmax in the loss)

Pooled are the last maps or those of several stages, by their mean or by mean and highest value: a thin bleed is
a few places of a finer map, and an average over the whole head hardly shows it.

``forward`` gives logits. ``ExplainedNetwork`` is what is exported: logits, embedding and exact Grad-CAM
heatmaps in one pass. Behind the last maps come only the pooling and the head. Grad-CAM weighs a map by the mean of
the logit's gradient over its places; a mean passes its gradient on to all places in equal parts and a highest value
to one of them, so that mean is the gradient with respect to the pooled values over H*W, which has a closed form
(``FusionHead.gradient``); no backward pass is needed (Selvaraju et al., ICCV 2017, for the method).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ictus.model.manifest import Architecture
from trainer.errors import TrainerError
from trainer.torchvision_import import torchvision

_ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
_RESNET_PARTS: Final = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")


class PretrainedWeightsError(TrainerError):
    """The ImageNet weights are not there or do not fit the architecture."""


class Explained(NamedTuple):
    """One pass over n slices; h and w are the side of the last maps, pixels / 32.

    Attributes:
        logits: (n, classes).
        embedding: (n, resnet + mobilenet features), the pooled maps side by side, see ``HybridNetwork.widths``.
        heatmap: (n, h, w), what each place adds to the explained logit through both backbones, negatives cut.
        heatmap_resnet: (n, h, w), Grad-CAM of the ResNet's last maps.
        heatmap_mobilenet: (n, h, w), Grad-CAM of the MobileNet's last maps.
    """

    logits: Tensor
    embedding: Tensor
    heatmap: Tensor
    heatmap_resnet: Tensor
    heatmap_mobilenet: Tensor


class FusionHead(nn.Module):
    """Pooled features to logits: fusion, batch norm, dense, batch norm, activation, dropout, dense."""

    def __init__(self, architecture: Architecture, widths: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.averages = architecture.fusion == "average"
        fused = architecture.fusion_width if self.averages else sum(widths)
        if self.averages:
            self.project_resnet = nn.Linear(widths[0], fused)
            self.project_mobilenet = nn.Linear(widths[1], fused)
        self.widths = widths
        self.norm_in = nn.BatchNorm1d(fused)
        self.drop_in = nn.Dropout(architecture.dropout)
        self.dense = nn.Linear(fused, architecture.hidden)
        self.norm = nn.BatchNorm1d(architecture.hidden)
        self.activation = _ACTIVATIONS[architecture.activation]()
        self.drop = nn.Dropout(architecture.dropout)
        self.classify = nn.Linear(architecture.hidden, classes)

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, features) to (n, classes) logits."""
        logits: Tensor = self.classify(self.drop(self.represent(embedding)))
        return logits

    def represent(self, embedding: Tensor) -> Tensor:
        """(n, features) to (n, hidden): what the last layer decides by."""
        hidden: Tensor = self.activation(self._before_activation(embedding))
        return hidden

    def gradient(self, embedding: Tensor, class_index: int) -> Tensor:
        """D logit / d embedding in evaluation mode, closed form: (n, features)."""
        slope = self._slope(self._before_activation(embedding))
        hidden = slope * self.classify.weight[class_index] * _scale(self.norm)
        fused = (hidden @ self.dense.weight) * _scale(self.norm_in)
        if not self.averages:
            return fused
        both = (self.project_resnet.weight, self.project_mobilenet.weight)
        return torch.cat([0.5 * fused @ weight for weight in both], dim=1)

    def _before_activation(self, embedding: Tensor) -> Tensor:
        if self.averages:
            resnet, mobilenet = torch.split(embedding, list(self.widths), dim=1)
            embedding = 0.5 * (self.project_resnet(resnet) + self.project_mobilenet(mobilenet))
        before: Tensor = self.norm(self.dense(self.drop_in(self.norm_in(embedding))))
        return before

    def _slope(self, value: Tensor) -> Tensor:
        """The activation's derivative."""
        if isinstance(self.activation, nn.ReLU):
            return (value > 0).to(value.dtype)
        if isinstance(self.activation, nn.SiLU):
            gate = torch.sigmoid(value)
            return gate * (1 + value * (1 - gate))
        cumulative = 0.5 * (1 + torch.erf(value / 2**0.5))  # GELU
        density: Tensor = torch.exp(-0.5 * value * value) / (2 * torch.pi) ** 0.5
        return cumulative + value * density


class Maps(NamedTuple):
    """What both backbones see at one resolution: (n, features, h, w) each."""

    resnet: Tensor
    mobilenet: Tensor


class Stage(NamedTuple):
    """The part of both backbones between two resolutions.

    Attributes:
        name: torchvision's name of the ResNet's part; ``stem`` for all before layer3.
        resnet: the ResNet's part.
        mobilenet: the MobileNet's blocks at the same resolution.
    """

    name: str
    resnet: nn.Sequential
    mobilenet: nn.Sequential

    def see(self, before: Maps) -> Maps:
        """The next maps."""
        return Maps(self.resnet(before.resnet), self.mobilenet(before.mobilenet))

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights of the stage."""
        yield from self.resnet.parameters()
        yield from self.mobilenet.parameters()


class HybridNetwork(nn.Module):
    """ResNet and MobileNet feature maps, fused.

    Args:
        architecture: which backbones, pooling, fusion and head; stored in the manifest.
        classes: number of logits.

    Attributes:
        widths: pooled features of the ResNet and of the MobileNet; for each the last stage comes first, and of a
            stage the means before the highest values.
    """

    def __init__(self, architecture: Architecture, classes: int) -> None:
        super().__init__()
        resnet = torchvision.models.get_model(architecture.resnet, weights=None)
        if architecture.resnet_stride_in_1x1:
            _move_stride_to_first(resnet)
        mobilenet = torchvision.models.get_model(architecture.mobilenet, weights=None)
        self.architecture = architecture
        self.resnet = nn.Sequential(OrderedDict((part, getattr(resnet, part)) for part in _RESNET_PARTS))
        self.mobilenet: nn.Sequential = mobilenet.features
        if architecture.mobilenet_same_padding:
            _pad_as_tensorflow(self.mobilenet)
        self.widths = self._measure_widths()
        self.head = FusionHead(architecture, self.widths, classes)

    def stages(self) -> tuple[Stage, Stage, Stage]:
        """Both backbones in three parts, to 1/8, 1/16 and 1/32 of the pixels: stem, layer3 and layer4."""
        resnet = dict(self.resnet.named_children())
        blocks = list(self.mobilenet)
        third, fourth = [index for index, block in enumerate(blocks) if _halves(block)][-2:]
        before = [part for name, part in resnet.items() if name not in {"layer3", "layer4"}]
        return (
            Stage("stem", nn.Sequential(*before), nn.Sequential(*blocks[:third])),
            Stage("layer3", nn.Sequential(resnet["layer3"]), nn.Sequential(*blocks[third:fourth])),
            Stage("layer4", nn.Sequential(resnet["layer4"]), nn.Sequential(*blocks[fourth:])),
        )

    def maps(self, pixels: Tensor) -> tuple[Maps, ...]:
        """(n, 3, H, W) normalised pixels to the maps that are pooled, the last ones (H/32, W/32) first."""
        seen = [Maps(pixels, pixels)]
        for stage in self.stages():
            seen.append(stage.see(seen[-1]))
        return tuple(reversed(seen[-self.architecture.pooled_stages :]))

    def pool(self, maps: Iterable[Maps]) -> tuple[Tensor, Tensor]:
        """Maps, the last stage's first, to what is kept of them: (n, features) of each backbone."""
        resnet, mobilenet = zip(*maps, strict=True)
        return torch.cat([self._pooled(m) for m in resnet], 1), torch.cat(
            [self._pooled(m) for m in mobilenet], 1
        )

    def embed(self, pixels: Tensor) -> Tensor:
        """(n, 3, H, W) normalised pixels to the (n, features) pooled vector of both backbones."""
        return torch.cat(self.pool(self.maps(pixels)), dim=1)

    def _pooled(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, channels), or to twice as many when the highest values are kept too."""
        mean = maps.mean(dim=(2, 3))
        return (
            mean if self.architecture.pooling == "mean" else torch.cat([mean, maps.amax(dim=(2, 3))], dim=1)
        )

    def _measure_widths(self) -> tuple[int, int]:
        was_training = self.training
        with torch.no_grad():
            resnet, mobilenet = self.eval().pool(self.maps(torch.zeros(1, 3, 64, 64)))
        self.train(was_training)
        return resnet.shape[1], mobilenet.shape[1]

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, H, W) normalised pixels to (n, classes) logits."""
        return cast("Tensor", self.head(self.embed(pixels)))

    def backbone_sha256(self) -> str:
        """Digest of both backbones' weights and of what else decides about the embedding."""
        frozen = {"resnet_stride_in_1x1", "mobilenet_same_padding", "pooled_stages", "pooling"}
        digest = hashlib.sha256(self.architecture.model_dump_json(include=frozen).encode())
        for backbone in (self.resnet, self.mobilenet):
            for name, value in backbone.state_dict().items():
                digest.update(name.encode() + value.numpy().tobytes())
        return digest.hexdigest()

    def load_pretrained(self, folder: Path | None) -> str:
        """Load ImageNet weights into both backbones.

        Args:
            folder: holds one ``<backbone>*.pth`` torchvision state dict for each; None asks torch.hub.

        Returns:
            Where the weights came from, for the manifest.

        Raises:
            PretrainedWeightsError: none or several files fit, or the names or shapes do not.
        """
        names = (self.architecture.resnet, self.architecture.mobilenet)
        origins = []
        for name, backbone in zip(names, (self.resnet, self.mobilenet), strict=True):
            origin, state = _pretrained_state(name, folder)
            kept = {
                key.removeprefix("features."): value.float() if value.is_floating_point() else value
                for key, value in state.items()
                if not key.startswith(("fc.", "classifier."))
            }
            try:
                backbone.load_state_dict(kept)
            except RuntimeError as error:
                raise PretrainedWeightsError(f"{origin} does not fit {name}: {error}") from error
            origins.append(origin)
        return ", ".join(origins)


class ExplainedNetwork(nn.Module):
    """What is exported: the network with its explanation, for evaluation mode only.

    Args:
        network: the trained network.
        class_index: the class whose logit the heatmaps explain.
    """

    def __init__(self, network: HybridNetwork, class_index: int) -> None:
        super().__init__()
        self.network = network
        self.class_index = class_index

    def forward(self, pixels: Tensor) -> Explained:
        """(n, 3, H, W) normalised pixels to everything that serving needs."""
        maps = self.network.maps(pixels)
        embedding = torch.cat(self.network.pool(maps), dim=1)
        gradient = self.network.head.gradient(embedding, self.class_index)
        of_resnet, of_mobilenet = torch.split(gradient, list(self.network.widths), dim=1)
        last, times = maps[0], 1 if self.network.architecture.pooling == "mean" else 2
        cams = (
            _weighted_sum(of_resnet, last.resnet, times),
            _weighted_sum(of_mobilenet, last.mobilenet, times),
        )
        return Explained(
            logits=self.network.head(embedding),
            embedding=embedding,
            heatmap=F.relu(cams[0] + cams[1]),
            heatmap_resnet=F.relu(cams[0]),
            heatmap_mobilenet=F.relu(cams[1]),
        )


class SamePadConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: where the sum is odd, the end gets the extra pixel."""

    def forward(self, input: Tensor) -> Tensor:
        """(n, channels, H, W) to (n, out, ceil(H / stride), ceil(W / stride))."""
        edges: list[int] = []
        for axis in (1, 0):
            kernel, stride, length = self.kernel_size[axis], self.stride[axis], input.shape[2 + axis]
            total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            edges += [total // 2, total - total // 2]
        return super().forward(F.pad(input, edges))


def _weighted_sum(gradient: Tensor, maps: Tensor, times: int) -> Tensor:
    """Grad-CAM before the cut: the gradient of the pooled values over H*W weighs the maps' channels.

    Args:
        gradient: (n, features) of the backbone's pooled vector; the last maps' values come first.
        maps: (n, channels, h, w), the last maps.
        times: how many values are kept of each map.
    """
    channels, height, width = maps.shape[1:]
    of_maps = gradient[:, : times * channels].reshape(-1, times, channels).sum(dim=1, keepdim=True)
    weights = of_maps / (height * width)
    return torch.bmm(weights, maps.reshape(-1, channels, height * width)).reshape(-1, height, width)


def _halves(block: nn.Module) -> bool:
    """Whether a block of the MobileNet halves the resolution."""
    return any(isinstance(module, nn.Conv2d) and max(module.stride) == 2 for module in block.modules())


def _scale(norm: nn.BatchNorm1d) -> Tensor:
    """What an evaluating batch norm multiplies by."""
    variance = cast("Tensor", norm.running_var)
    return norm.weight / torch.sqrt(variance + norm.eps)


def _move_stride_to_first(resnet: nn.Module) -> None:
    """Make v1 bottlenecks: the stride on the first 1x1 convolution (He et al., CVPR 2016)."""
    for layer in ("layer2", "layer3", "layer4"):
        block = getattr(resnet, layer)[0]
        if hasattr(block, "conv3"):
            block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)


def _pad_as_tensorflow(features: nn.Sequential) -> None:
    """Replace every strided spatial convolution by one with SAME padding; names and weights stay."""
    for module in list(features.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and max(child.stride) > 1 and max(child.kernel_size) > 1:
                replaced = SamePadConv2d(
                    child.in_channels,
                    child.out_channels,
                    cast("tuple[int, int]", child.kernel_size),
                    stride=cast("tuple[int, int]", child.stride),
                    groups=child.groups,
                    bias=child.bias is not None,
                )
                setattr(module, name, replaced)


def _pretrained_state(name: str, folder: Path | None) -> tuple[str, Mapping[str, Tensor]]:
    if folder is None:
        weights = torchvision.models.get_model_weights(name).DEFAULT
        return f"torchvision {weights}", weights.get_state_dict(progress=True, check_hash=True)
    files = sorted(folder.glob(f"{name}[._]*pth"))
    if len(files) != 1:
        raise PretrainedWeightsError(f"{folder} must hold exactly one {name}*.pth, found {len(files)}.")
    return files[0].name, torch.load(files[0], map_location="cpu", weights_only=True)
