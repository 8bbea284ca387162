"""The network in two: a frozen prefix that is run once, and the stages behind it that learn.

Both backbones are cut where they have the same resolution. The batch norms of a backbone keep their ImageNet
statistics while it learns: batches of one hospital's slices would replace them by something far narrower.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainer.network import FusionHead, HybridNetwork, Maps, Stage
from trainer.training.params import FrozenDepth

RESNET, MOBILENET, PIXELS, EMBEDDING = "resnet", "mobilenet", "pixels", "embedding"
"""Names of what a prefix gives: maps of both backbones, pixels where nothing is frozen, or the embedding where all is."""
_POOLED = ("resnet_pooled", "mobilenet_pooled")
"""And of what is pooled of stages that are frozen while others behind them learn."""

Activations = Mapping[str, Tensor]


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
        stem, layer3, layer4 = network.stages()
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
        return FrozenPrefix(self._frozen, self.network)

    def embed(self, activations: Activations) -> Tensor:
        """See ``Learner``; ``activations`` are what the prefix gave."""
        if EMBEDDING in activations:
            return activations[EMBEDDING]
        if PIXELS in activations:
            seen = [Maps(activations[PIXELS], activations[PIXELS])]
        else:
            seen = [Maps(activations[RESNET], activations[MOBILENET])]
        for stage in reversed(self.stages):
            seen.append(stage.see(seen[-1]))
        learned = min(len(self.stages), self.network.architecture.pooled_stages)
        pooled = self.network.pool(reversed(seen[-learned:]))
        kept = [activations[name] for name in _POOLED if name in activations]
        both = zip(pooled, kept, strict=True) if kept else ((values,) for values in pooled)
        return torch.cat([torch.cat(parts, dim=1) for parts in both], dim=1)

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
        network: that they are of; it says what is pooled.
    """

    def __init__(self, stages: Sequence[Stage], network: HybridNetwork) -> None:
        super().__init__()
        self.is_whole = bool(stages) and stages[-1].name == "layer4"
        self.resnet = nn.Sequential(*(deepcopy(stage.resnet) for stage in stages))
        self.mobilenet = nn.Sequential(*(deepcopy(stage.mobilenet) for stage in stages))
        self.digest = f"{network.backbone_sha256()} {[stage.name for stage in stages]}"
        self._pool = network.pool
        learned = len(network.stages()) - len(stages)
        self._pooled = max(0, network.architecture.pooled_stages - learned)
        self.eval()
        for backbone in (self.resnet, self.mobilenet):
            _fold_batch_norms(backbone)
        _lay_channels_last(self)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is frozen."""
        return not len(self.resnet)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """(n, 3, H, W) normalised pixels to what the learning part needs.

        The last frozen maps of each backbone and what is pooled of frozen stages; the embedding when all is frozen.
        """
        if self.is_empty:
            return {PIXELS: pixels}
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        seen = [Maps(pixels, pixels)]
        for resnet, mobilenet in zip(self.resnet, self.mobilenet, strict=True):
            seen.append(Maps(resnet(seen[-1].resnet), mobilenet(seen[-1].mobilenet)))
        pooled = self._pool(reversed(seen[-self._pooled :])) if self._pooled else ()
        if self.is_whole:
            return {EMBEDDING: torch.cat(pooled, dim=1)}
        maps = {RESNET: seen[-1].resnet, MOBILENET: seen[-1].mobilenet}
        return maps | dict(zip(_POOLED, pooled, strict=False))


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
