"""A head solved instead of stepped to: the logistic regression of all views, written as a dense head with ReLU.

Some thousands of slices of a few dozen patients are too few for a free dense layer on thousands of features; a
penalised logistic regression has one best solution, needs no schedule, and the strength of its penalty is the only
choice, made on patients kept aside. Two mirrored hidden units carry it (``relu(z) - relu(-z) = z``). The others stay
as they were drawn and silent, so that later learning can take them up.
"""

from typing import Final, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import nn

from trainer.network import FusionHead
from trainer.training.activations import KeptActivations
from trainer.training.params import TrainingParams
from trainer.training.sampling import kept_aside
from trainer.training.stages import EMBEDDING

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_CARRYING: Final = 2
_SPREAD: Final = 0.05
"""Standard deviation of the dense weights: well inside half precision, which they are kept in."""


class _Views(NamedTuple):
    """Embeddings of views, whether each shows a stroke, what it weighs, and the slice it is of."""

    embedding: Float32
    stroke: NDArray[np.bool_]
    weight: Float64
    row: Int64


class Solution(NamedTuple):
    """Log-odds of a stroke are ``((embedding - mean) / sqrt(variance + eps)) @ weight + intercept``.

    Attributes:
        mean: (features,) of the embeddings that it was first solved on.
        variance: (features,) likewise.
        weight: (features,) of the scaled embedding.
        intercept: what is added.
    """

    mean: Float32
    variance: Float32
    weight: Float64
    intercept: float


def solve_head(
    head: FusionHead,
    activations: KeptActivations,
    labels: Int64,
    patients: NDArray[np.str_],
    rows: Int64,
    params: TrainingParams,
    seed: int,
) -> None:
    """Fit a head in place.

    Args:
        head: concatenating, with ReLU and two classes, the last one stroke; its hidden layer has two units or more.
        activations: embeddings of views.
        labels: (n,) class indices of all slices.
        patients: (n,) whose each is.
        rows: slices that are learned from.
        params: penalties, and what a painted view weighs.
        seed: of the choice of the patients that decide between penalties.

    Raises:
        ValueError: the head cannot carry a logistic regression.
    """
    silent = len(head.dense.weight) - _CARRYING
    if (
        head.averages
        or not isinstance(head.activation, nn.ReLU)
        or silent < 0
        or head.classify.out_features != 2
    ):
        raise ValueError("a solved head concatenates, has ReLU, two hidden units or more, and two classes")
    penalties = params.penalties
    strength = penalties[0]
    if len(penalties) > 1:
        learn, decide = kept_aside(rows, labels, patients, seed)
        views = _views(activations, labels, learn, params)
        as_they_are = activations.batch(decide, np.zeros_like(decide))[EMBEDDING].numpy()
        scores = [
            roc_auc_score(
                labels[decide] == 1, _log_odds(_solve(views, c, head.norm_in.eps), as_they_are, head)
            )
            for c in penalties
        ]
        strength = penalties[int(np.argmax(scores))]
    write_solution(_solve(_views(activations, labels, rows, params), strength, head.norm_in.eps), head)


@torch.no_grad()
def solution_of(head: FusionHead) -> Solution | None:
    """What a solved head says, None when it is not a solved one: only such a head is linear in the embedding."""
    if head.averages or not isinstance(head.activation, nn.ReLU) or head.classify.out_features != 2:
        return None
    carrying, silent = head.classify.weight[:, :_CARRYING], head.classify.weight[:, _CARRYING:]
    passed = _passed(head)
    is_solved = (
        carrying.shape[1] == _CARRYING
        and not silent.any()
        and not head.classify.bias.any()
        and torch.equal(head.dense.weight[0], -head.dense.weight[1])
        and torch.equal(head.dense.bias[0], -head.dense.bias[1])
        and torch.equal(carrying[:, 0], -carrying[:, 1])
        and torch.equal(carrying[0], -carrying[1])
        and bool((head.norm_in.weight == 1).all() and (head.norm_in.bias == 0).all())
        and not cast("torch.Tensor", head.norm.running_mean)[:_CARRYING].any()
        and not head.norm.bias[:_CARRYING].any()
    )
    if not is_solved:
        return None
    scale = float(carrying[1, 0] - carrying[0, 0]) * passed
    return Solution(
        cast("torch.Tensor", head.norm_in.running_mean).numpy().copy(),
        cast("torch.Tensor", head.norm_in.running_var).numpy().copy(),
        head.dense.weight[0].double().numpy() * scale,
        float(head.dense.bias[0]) * scale,
    )


def _passed(head: FusionHead) -> float:
    """What the second batch norm makes of one in a carrying unit."""
    variance = cast("torch.Tensor", head.norm.running_var)[0]
    return float(head.norm.weight[0] / torch.sqrt(variance + head.norm.eps))


def _views(activations: KeptActivations, labels: Int64, rows: Int64, params: TrainingParams) -> _Views:
    parts = []
    for arrays, places, painted in zip(
        activations.arrays, activations.places, activations.painted, strict=True
    ):
        own = rows[places[rows] >= 0]
        parts.append(
            _Views(
                np.asarray(arrays[EMBEDDING][places[own]], dtype=np.float32),
                np.full(len(own), True) if painted else labels[own] == 1,
                np.full(len(own), params.painted_weight if painted else 1.0),
                own,
            )
        )
    return _Views(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _solve(views: _Views, strength: float, eps: float) -> Solution:
    mean, variance = views.embedding.mean(axis=0), views.embedding.var(axis=0)
    scaled = (views.embedding - mean) / np.sqrt(variance + eps)
    fitted = LogisticRegression(C=strength, max_iter=500, tol=1e-4).fit(
        scaled, views.stroke, sample_weight=views.weight
    )
    return Solution(mean, variance, fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]))


def _log_odds(solution: Solution, embedding: Float32, head: FusionHead) -> Float64:
    scaled = (embedding - solution.mean) / np.sqrt(solution.variance + head.norm_in.eps)
    log_odds: Float64 = scaled @ solution.weight + solution.intercept
    return log_odds


@torch.no_grad()
def write_solution(solution: Solution, head: FusionHead) -> None:
    """Let a head say what a solution says, through its first two hidden units."""
    cast("torch.Tensor", head.norm_in.running_mean).copy_(torch.from_numpy(solution.mean))
    cast("torch.Tensor", head.norm_in.running_var).copy_(torch.from_numpy(solution.variance))
    scale = _SPREAD / max(float(solution.weight.std()), 1e-12)
    weight = torch.from_numpy(solution.weight * scale).float()
    for unit, sign in enumerate((1.0, -1.0)):
        head.dense.weight[unit] = sign * weight
        head.dense.bias[unit] = sign * solution.intercept * scale
    head.norm.weight[:_CARRYING] = (1 + head.norm.eps) ** 0.5  # so that it passes what it is given
    head.classify.weight.zero_()
    head.classify.bias.zero_()
    for logit, sign in enumerate((-0.5, 0.5)):
        head.classify.weight[logit, 0] = sign / scale
        head.classify.weight[logit, 1] = -sign / scale
