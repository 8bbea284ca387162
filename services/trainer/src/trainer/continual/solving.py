"""Latent replay by solving: a released head is a logistic regression on frozen features, and goes on learning as one.

The regression is solved again on new cases and replay together. Its penalty pulls towards a share of the champion's
weights instead of towards nothing, so that what the champion learned from more than the replay is not lost; distillation
keeps the champion's answers where they were right. The problem is convex: there is one solution, no schedule, no seed,
and nothing to resume. Features are scaled by the mean and spread of what is learned from, as when the champion was
solved: those of one scanner alone are what a head that keeps its scaling stumbles over on the next.

Protected (``SolvingWay.protected``), the weights move only across what replay and earlier cases vary along, so what the
champion says of them stays what it is, and the intercept alone can move all of it (orthogonal weights modification: Zeng
et al., Nature Machine Intelligence 2019). Features keep the champion's scaling then, and its weights are kept whole.
"""

import copy
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from ictus.model.permitted_changes import Learning, SolvingWay
from trainer.continual.learning import Learned, Material, followed_loss, joined
from trainer.exemplars import Embedded
from trainer.network import FusionHead
from trainer.training.logistic import Solution, write_solution

Float64 = NDArray[np.float64]

_DIRECTIONS: Final = 1e-9
"""Directions in which slices differ by less than this share of the first one's spread are left out."""


class _Problem(NamedTuple):
    """Slices as coordinates in their own span, with what is asked of each.

    Attributes:
        coordinates: (n, directions).
        from_start: (n,) log-odds that the penalty pulls towards.
        champion: (n,) the champion's log-odds.
        stroke: (n,) the truth, 0 or 1.
        kept: (n,) weight of staying with the champion.
    """

    coordinates: Float64
    from_start: Float64
    champion: Float64
    stroke: Float64
    kept: Float64


def solve(
    champion: FusionHead, said: Solution, material: Material, params: Learning, way: SolvingWay
) -> Learned:
    """Solve the head again. The same champion, material and parameters give the same head.

    Args:
        champion: stays as it is.
        said: what it says, by ``solution_of``.
        material: at least two slices that are new. What is held out of the memory is learned from too: nothing is
            chosen by it.
        params: of the permitted changes.
        way: one of theirs.

    Returns:
        The head after one step, with the score on what is held out.
    """
    slices = joined(
        *(part for part in (material.new, material.memory, material.held_memory) if len(part.labels))
    )
    known = joined(material.memory, material.held_memory)
    eps, is_protected = champion.norm_in.eps, bool(way.protected and len(known.labels))
    before = said if is_protected else _rescaled(said, slices, eps)
    scaled = _scaled(slices, before, eps)
    free = _across(scaled, _scaled(known, before, eps), way.protected) if is_protected else scaled
    spread, directions = np.linalg.eigh(free @ free.T)
    large = spread > spread[-1] * _DIRECTIONS
    lengths = np.sqrt(spread[large])
    odds = scaled @ before.weight + before.intercept
    right = ((odds > 0) == (slices.labels == 1)).astype(np.float64)
    added, intercept = _solved(
        _Problem(
            coordinates=directions[:, large] * lengths,
            from_start=way.stay * odds,
            champion=odds,
            stroke=slices.labels.astype(np.float64),
            kept=params.distillation * right / max(right.sum(), 1.0),
        ),
        params,
        way.penalty,
    )
    solution = before._replace(
        weight=way.stay * before.weight + (directions[:, large] / lengths @ added) @ free,
        intercept=way.stay * before.intercept + intercept,
    )
    head = copy.deepcopy(champion)
    write_solution(solution, head)
    is_followed = len(material.held_new.labels) or len(material.held_memory.labels)
    return Learned(head.eval(), 1, (followed_loss(head, material),) if is_followed else ())


def _scaled(slices: Embedded, said: Solution, eps: float) -> Float64:
    """(n, features) as the head sees them."""
    scaled: Float64 = (slices.embedding.astype(np.float64) - said.mean) / np.sqrt(said.variance + eps)
    return scaled


def _across(scaled: Float64, known: Float64, share: float) -> Float64:
    """The part of slices across the fewest directions that hold this share of the variation of what is known."""
    energy, mixtures = np.linalg.eigh(known @ known.T)
    energy, mixtures = energy[::-1], mixtures[:, ::-1]
    count = int((np.cumsum(energy) < share * energy.sum()).sum()) + 1
    kept = mixtures[:, :count].T @ known / np.sqrt(energy[:count, np.newaxis])
    across: Float64 = scaled - (scaled @ kept.T) @ kept
    return across


def _rescaled(said: Solution, slices: Embedded, eps: float) -> Solution:
    """The same log-odds for features that are scaled by the mean and spread of these slices."""
    mean = slices.embedding.mean(axis=0)
    variance = slices.embedding.var(axis=0)
    old = np.sqrt(said.variance.astype(np.float64) + eps)
    moved = (mean.astype(np.float64) - said.mean) / old
    return Solution(
        mean,
        variance,
        said.weight * np.sqrt(variance.astype(np.float64) + eps) / old,
        said.intercept + float(moved @ said.weight),
    )


def _solved(problem: _Problem, params: Learning, penalty: float) -> tuple[Float64, float]:
    """What is added to the weights, in the slices' span, and to the intercept."""
    temperature = params.temperature
    count = len(problem.stroke)
    wanted = expit(problem.champion / temperature)

    def loss(added: Float64) -> tuple[float, Float64]:
        odds = problem.from_start + problem.coordinates @ added[:-1] + added[-1]
        softened = odds / temperature
        of_truth = (np.logaddexp(0, odds) - problem.stroke * odds).mean()
        apart = problem.kept @ (np.logaddexp(0, softened) - wanted * softened) * temperature**2
        slope = (expit(odds) - problem.stroke) / count
        slope += problem.kept * temperature * (expit(softened) - wanted)
        gradient = np.append(problem.coordinates.T @ slope + penalty * added[:-1], slope.sum())
        return float(of_truth + apart + penalty / 2 * added[:-1] @ added[:-1]), gradient

    found = minimize(
        loss,
        np.zeros(problem.coordinates.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-10, "gtol": 1e-6},
    ).x
    return found[:-1], float(found[-1])
