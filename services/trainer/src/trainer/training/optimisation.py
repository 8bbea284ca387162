"""How the weights move: optimiser with a rate for each stage, schedule, precision, moving average."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import cos, pi
from typing import Final

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainer.training.params import TrainingParams
from trainer.training.stages import Learner

_OPTIMISERS: Final[Mapping[str, Callable[..., Optimizer]]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


def new_optimiser(learner: Learner, params: TrainingParams) -> Optimizer:
    """An optimiser with one group for the head and one for each stage, nearest the head first."""
    make = _OPTIMISERS[params.optimiser]
    groups = [{"params": list(learner.head.parameters()), "weight_decay": params.weight_decay}]
    groups += [
        {"params": list(stage.parameters()), "weight_decay": params.backbone_weight_decay}
        for stage in learner.stages
    ]
    return make(groups, lr=params.learning_rate)


class Schedule:
    """Which stages learn in an epoch, and how fast each does.

    Args:
        params: rates, phases, warm-up, cosine.
        stages: how many stages besides the head may learn.
        steps: batches in an epoch.
    """

    def __init__(self, params: TrainingParams, stages: int, steps: int) -> None:
        self.params = params
        self.stages = stages
        self.steps = steps

    @property
    def last_change(self) -> int:
        """The epoch, from 0, from which on everything that may learn does."""
        return self._begins(self.stages)

    def unfrozen(self, epoch: int) -> int:
        """How many stages learn besides the head in this epoch, from 0."""
        return sum(epoch >= self._begins(stage) for stage in range(1, self.stages + 1))

    def rates(self, epoch: int, step: int) -> list[float]:
        """The learning rate of the head and of each stage at a batch of an epoch, both from 0."""
        now = epoch + step / self.steps
        fallen = 0.5 * (1 + cos(pi * min(now / self.params.epochs, 1.0))) if self.params.cosine else 1.0
        rates = []
        for group in range(self.stages + 1):
            since = now - self._begins(group) + 1 / self.steps
            warm = min(1.0, since / self.params.warm_up_epochs) if self.params.warm_up_epochs else 1.0
            rates.append(self._top_rate(group) * fallen * max(warm, 0.0))
        return rates

    def set_rates(self, optimiser: Optimizer, epoch: int, step: int) -> None:
        """Set each group's rate."""
        for group, rate in zip(optimiser.param_groups, self.rates(epoch, step), strict=True):
            group["lr"] = rate

    def _begins(self, group: int) -> int:
        """The epoch in which the head (0) or a stage (from 1) begins to learn."""
        return 0 if group == 0 else self.params.head_epochs + (group - 1) * self.params.unfreeze_every

    def _top_rate(self, group: int) -> float:
        if group == 0:
            return self.params.learning_rate
        return self.params.learning_rate * self.params.backbone_rate * self.params.depth_decay ** (group - 1)


class Precision:
    """Mixed precision where it is wanted and the device has it, with loss scaling for float16."""

    def __init__(self, params: TrainingParams, device: torch.device) -> None:
        self.device = device
        self.dtype: torch.dtype | None = None
        if params.mixed_precision == "bfloat16":
            self.dtype = torch.bfloat16
        elif params.mixed_precision == "auto" and device.type == "cuda":
            native = torch.cuda.is_bf16_supported(including_emulation=False)
            self.dtype = torch.bfloat16 if native else torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    @contextmanager
    def reduced(self) -> Iterator[None]:
        """Run what is inside in reduced precision, or as it is."""
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            yield


class MovingAverage:
    """An exponential moving average of everything that learns; its start counts less (as in Adam).

    Args:
        learner: the network it follows.
        decay: share of the old average that each step keeps; 0 keeps no average.
    """

    def __init__(self, learner: Learner, decay: float) -> None:
        self.learner = learner
        self.decay = decay
        self.steps = 0
        self.average = {k: v.detach().clone() for k, v in learner.state().items()} if decay else {}

    def update(self) -> None:
        """Take in the weights after a step."""
        if not self.decay:
            return
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in self.learner.state().items():
            if value.is_floating_point():
                self.average[key].lerp_(value.detach(), 1 - decay)
            else:
                self.average[key].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The average in place of the weights."""
        if not self.decay:
            yield
            return
        own = {k: v.detach().clone() for k, v in self.learner.state().items()}
        self.learner.load_state(self.average)
        try:
            yield
        finally:
            self.learner.load_state(own)

    def state(self) -> dict[str, Tensor | int]:
        """For the checkpoint."""
        return {**self.average, _STEPS: self.steps}

    def load_state(self, state: Mapping[str, Tensor | int]) -> None:
        """From the checkpoint."""
        self.steps = int(state[_STEPS])
        for key, value in self.average.items():
            kept = state[key]
            if isinstance(kept, Tensor):
                value.copy_(kept)


_STEPS: Final = "steps taken"
