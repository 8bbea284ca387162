"""What a killed training goes on from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """The whole state between two epochs.

    The phase, the rates and the batches of an epoch follow from the seed and its number, so they need no
    place of their own; ``random`` is torch's generator, for what else draws from it.

    Attributes:
        epoch: epochs done.
        best_epoch: after how many epochs the score was best; 0 before any.
        best_score: the lower, the better.
        weights: everything that learns.
        best_weights: as it was at the best score.
        average: the moving average's state.
        optimiser: the optimiser's state.
        scaler: the loss scaler's state.
        random: state of torch's CPU generator.
        scores: the score after each epoch.
    """

    epoch: int
    best_epoch: int
    best_score: float
    weights: Mapping[str, Tensor]
    best_weights: Mapping[str, Tensor]
    average: Mapping[str, Tensor | int]
    optimiser: Mapping[str, Any]
    scaler: Mapping[str, Any]
    random: Tensor
    scores: list[float]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    shallow = {field.name: getattr(checkpoint, field.name) for field in fields(Checkpoint)}
    torch.save(shallow, part)
    part.replace(path)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint, None when there is none; nothing in the file is executed."""
    if not path.is_file():
        return None
    return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
