"""Several processes training one network: data-parallel, started by ``torchrun``.

The backbones' stages are heavy and look at each slice alone, so each process runs its share of a batch through
them. The head is tiny, and its batch norms and dropout concern the whole batch: every process runs it on the
embeddings of all. So the result is that of one process, up to the order of sums.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import torch
from torch import Tensor, distributed, nn

_PATIENCE: Final = timedelta(hours=6)
"""How long one process may wait for another: a view of the frozen part can take long."""


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run; the default is alone.

    Attributes:
        rank: which it is, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and progress."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Which of ``count`` rows this process works on."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def gather(self, mine: Tensor, count: int) -> Tensor:
        """All processes' shares as (count, ...); gradients flow to this process's own rows only."""
        if self.size == 1:
            return mine
        share = self.share(count)
        everything = mine.new_zeros((count, *mine.shape[1:]))
        everything[share] = mine.detach()
        distributed.all_reduce(everything)
        return torch.cat([everything[: share.start], mine, everything[share.stop :]])

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all processes' gradients."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([g.reshape(-1) for g in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat, [g.numel() for g in gradients])
        for gradient, summed in zip(gradients, parts, strict=True):
            gradient.copy_(summed.view_as(gradient))

    def agree(self, value: float) -> float:
        """The first process's value, in every process."""
        if self.size == 1:
            return value
        told = [value]
        distributed.broadcast_object_list(told, src=0)
        return float(told[0])

    def wait(self) -> None:
        """Until every process has come here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def launched_ranks() -> Iterator[Ranks]:
    """The processes that ``torchrun`` started, or this one alone; closes their connection at the end."""
    if not distributed.is_torchelastic_launched():
        yield Ranks()
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def this_device(ranks: Ranks) -> torch.device:
    """The CUDA device of this process, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", ranks.rank % torch.cuda.device_count())
