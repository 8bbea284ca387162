"""The network in two: a frozen prefix that is run once, and the stages behind it that learn.

Both backbones are cut where they have the same resolution. The batch norms of a backbone keep their ImageNet
statistics while it learns: batches of one hospital's slices would replace them by something far narrower.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainer.network import FusionHead, HybridNetwork, pool
from trainer.training.params import FrozenDepth

RESNET, MOBILENET, PIXELS, EMBEDDING = "resnet", "mobilenet", "pixels", "embedding"
"""Names of what a prefix gives: maps of both backbones, pixels where nothing is frozen, or the embedding where all is."""

Activations = Mapping[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A part of both backbones between two resolutions.

    Attributes:
        name: torchvision's name of the ResNet's part; ``stem`` for all before layer3.
        resnet: the ResNet's part.
        mobilenet: the MobileNet's blocks at the same resolution.
    """

    name: str
    resnet: nn.Sequential
    mobilenet: nn.Sequential

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights of the stage."""
        yield from self.resnet.parameters()
        yield from self.mobilenet.parameters()


class Learner(Protocol):
    """What the training loop trains: a head, and maybe stages of the backbones below it.

    Attributes:
        head: learns from the first epoch.
        stages: what may learn later, the one nearest the head first.
    """

    head: FusionHead
    stages: tuple[Stage, ...]

    def embed(self, activations: Activations) -> Tensor:
        """What is kept of slices to the (n, features) pooled vector of both backbones."""

    def unfreeze(self, count: int) -> None:
        """Let the ``count`` stages nearest the head learn, and no other."""

    def to(self, device: torch.device) -> None:
        """Move everything to a device."""

    def state(self) -> dict[str, Tensor]:
        """Everything that training may change, by reference."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Set what ``state`` gave."""


class SplitNetwork:
    """A network cut at a depth: a ``Learner`` that shares its modules with ``network``."""

    def __init__(self, network: HybridNetwork, depth: FrozenDepth) -> None:
        self.network = network
        self.head = network.head
        stem, layer3, layer4 = _stages(network)
        learning = {
            FrozenDepth.ALL: (),
            FrozenDepth.LAYER4: (layer4,),
            FrozenDepth.LAYER3: (layer4, layer3),
            FrozenDepth.NONE: (layer4, layer3, stem),
        }
        self.stages: tuple[Stage, ...] = learning[depth]
        self._frozen = [stage for stage in (stem, layer3, layer4) if stage not in self.stages]
        self._learning = nn.ModuleDict(
            {s.name: nn.ModuleList([s.resnet, s.mobilenet]) for s in self.stages} | {"head": network.head}
        )
        network.eval().requires_grad_(False)
        network.head.requires_grad_(True)
        if self.stages:
            _lay_channels_last(network)

    def prefix(self) -> "FrozenPrefix":
        """A copy of the frozen part, made fast for evaluation."""
        return FrozenPrefix(self._frozen, self.network.backbone_sha256())

    def embed(self, activations: Activations) -> Tensor:
        """See ``Learner``; ``activations`` are what the prefix gave."""
        if EMBEDDING in activations:
            return activations[EMBEDDING]
        if PIXELS in activations:
            resnet = mobilenet = activations[PIXELS]
        else:
            resnet, mobilenet = activations[RESNET], activations[MOBILENET]
        for stage in reversed(self.stages):
            resnet, mobilenet = stage.resnet(resnet), stage.mobilenet(mobilenet)
        return pool(resnet, mobilenet)

    def unfreeze(self, count: int) -> None:
        """See ``Learner``."""
        for position, stage in enumerate(self.stages):
            for parameter in stage.parameters():
                parameter.requires_grad_(position < count)

    def to(self, device: torch.device) -> None:
        """See ``Learner``."""
        self.network.to(device)

    def state(self) -> dict[str, Tensor]:
        """See ``Learner``."""
        return self._learning.state_dict()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """See ``Learner``."""
        self._learning.load_state_dict(state)


class FrozenPrefix(nn.Module):
    """The frozen part of both backbones: batch norms folded into convolutions, channels last.

    Args:
        stages: in the order of the data; none of them: pixels pass unchanged.
        weights: digest of the weights that they hold.
    """

    def __init__(self, stages: Iterable[Stage], weights: str) -> None:
        super().__init__()
        parts = list(stages)
        self.is_whole = bool(parts) and parts[-1].name == "layer4"
        self.resnet = nn.Sequential(*(deepcopy(stage.resnet) for stage in parts))
        self.mobilenet = nn.Sequential(*(deepcopy(stage.mobilenet) for stage in parts))
        self.digest = f"{weights} {[stage.name for stage in parts]}"
        self.eval()
        for backbone in (self.resnet, self.mobilenet):
            _fold_batch_norms(backbone)
        _lay_channels_last(self)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is frozen."""
        return not len(self.resnet)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """(n, 3, H, W) normalised pixels to the activations of each backbone, pooled when all is frozen."""
        if self.is_empty:
            return {PIXELS: pixels}
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        resnet, mobilenet = self.resnet(pixels), self.mobilenet(pixels)
        if self.is_whole:
            return {EMBEDDING: pool(resnet, mobilenet)}
        return {RESNET: resnet, MOBILENET: mobilenet}


def _stages(network: HybridNetwork) -> tuple[Stage, Stage, Stage]:
    """Everything before layer3, layer3 and layer4, of both backbones."""
    resnet = dict(network.resnet.named_children())
    halving = [index for index, block in enumerate(network.mobilenet) if _halves(block)]
    third, fourth = halving[-2:]
    mobilenet = list(network.mobilenet)
    before = [part for name, part in resnet.items() if name not in {"layer3", "layer4"}]
    return (
        Stage("stem", nn.Sequential(*before), nn.Sequential(*mobilenet[:third])),
        Stage("layer3", nn.Sequential(resnet["layer3"]), nn.Sequential(*mobilenet[third:fourth])),
        Stage("layer4", nn.Sequential(resnet["layer4"]), nn.Sequential(*mobilenet[fourth:])),
    )


def _halves(block: nn.Module) -> bool:
    """Whether a block of the MobileNet halves the resolution."""
    return any(isinstance(module, nn.Conv2d) and max(module.stride) == 2 for module in block.modules())


def _lay_channels_last(module: nn.Module) -> None:
    """Lay convolutions' weights as their engine likes them; values and shapes stay."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _fold_batch_norms(module: nn.Module) -> None:
    """Fold each evaluating batch norm into the convolution registered just before it, in place."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        else:
            _fold_batch_norms(child)
        before = (name, child)
