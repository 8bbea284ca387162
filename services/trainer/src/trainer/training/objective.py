"""What training makes small."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from trainer.training.params import TrainingParams

Objective = Callable[[Tensor, Tensor], Tensor]


def objective(params: TrainingParams, labels: NDArray[np.int64], classes: int) -> Objective:
    """The mean loss of (n, classes) logits against (n,) class indices.

    ``cross_entropy`` is of the softmax over the classes; ``binary_cross_entropy`` takes each class by itself,
    against all others, and averages over the classes.

    Args:
        params: the loss, its smoothing and weighting.
        labels: of what is learned from; classes are weighed by their rarity in it.
        classes: number of logits.
    """
    weight = _class_weights(labels, classes) if params.class_weighting else torch.ones(classes)

    def cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
        return F.cross_entropy(
            logits, truth, weight=weight.to(logits.device), label_smoothing=params.label_smoothing
        )

    def binary_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
        target = F.one_hot(truth, classes).to(logits.dtype)
        target = target * (1 - params.label_smoothing) + params.label_smoothing / 2
        each = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=1)
        of_truth = weight.to(logits.device)[truth]
        return (each * of_truth).sum() / of_truth.sum()

    return cross_entropy if params.loss == "cross_entropy" else binary_cross_entropy


def _class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return torch.tensor(len(labels) / (classes * counts), dtype=torch.float32)
