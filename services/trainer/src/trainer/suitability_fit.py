"""Fit the embedding check: what a training-like slice looks like to the network.

Two statistics are candidates (docs/decisions/0086): the distance to the nearest training embeddings, and the
Mahalanobis distance to all of them with a shrunk covariance. Both are asked in the principal subspace, what lies
outside it included, and without regard to the finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.decomposition import PCA

from ictus.model.suitability import (
    EmbeddingLimits,
    EmbeddingStatistics,
    Statistic,
    StatisticCompared,
    unit_rows,
)
from trainer.recipe import Recipe
from trainer.training.cross_validation import OutOfFold

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Heads:
    """Embeddings of head CT slices.

    Attributes:
        embedding: (n, features).
        folds: (n,) by patient; -1 for patients that are never fitted on.
    """

    embedding: Float32
    folds: Int64

    def fitted_without(self, fold: int | None = None) -> Float32:
        """What may be fitted on, without one fold."""
        rows: Float32 = self.embedding[(self.folds >= 0) & (self.folds != fold)]
        return rows


REFERENCE_ROWS = 1000
_MARGIN_QUANTILE: Final = 0.05


@dataclass(frozen=True)
class Subspace:
    """The principal subspace of training embeddings.

    Attributes:
        unit: (n, features) of unit length, that it was fitted to.
        fitted: the axes, and the variances along and outside them.
    """

    unit: Float32
    fitted: PCA

    def statistics(self, statistic: Statistic, seed: int) -> EmbeddingStatistics:
        """What distances are taken to and measured in.

        Args:
            statistic: which distance it is for.
            seed: of the choice of the thousand embeddings that the nearest are sought among.
        """
        axes = np.ascontiguousarray(self.fitted.components_.T, dtype=np.float32)
        mean = self.fitted.mean_.astype(np.float32)
        if statistic == "nearest":
            rows = np.sort(np.random.default_rng(seed).permutation(len(self.unit))[:REFERENCE_ROWS])
            return EmbeddingStatistics(mean, axes, (self.unit[rows] - mean) @ axes)
        shrinkage = float(ledoit_wolf_shrinkage((self.unit - mean) @ axes))
        along = self.fitted.explained_variance_
        variances = (1 - shrinkage) * along + shrinkage * along.mean()
        deviations = np.sqrt([*variances, self.fitted.noise_variance_]).astype(np.float32)
        return EmbeddingStatistics(mean, axes, np.zeros((1, len(along)), np.float32), deviations)


def fit_subspace(embedding: Float32, components: int, seed: int) -> Subspace:
    """The so many principal axes of (n, features) training embeddings."""
    unit = unit_rows(embedding)
    return Subspace(unit, PCA(components, svd_solver="randomized", random_state=seed).fit(unit))


def write_statistics(statistics: EmbeddingStatistics, path: Path) -> None:
    """Write the statistics file of a model directory."""
    save_file(statistics.tensors(), path)
    path.chmod(0o644)  # safetensors writes for its owner alone; a service reads it as another user


def fit_suitability(embedding: Float32, held_out: OutOfFold, recipe: Recipe, path: Path) -> EmbeddingLimits:
    """Fit on all slices and write the statistics; the limit comes from held-out patients.

    A fold's network has its own embedding, so its held-out slices are measured in that. The slices alone do not
    say how other sites export theirs: ``refit_suitability`` asks that of the finished model.

    Args:
        embedding: (n, features) by the network that is served.
        held_out: what the folds' networks say.
        recipe: components, neighbour, and the share of held-out slices that may be refused.
        path: safetensors file to write.
    """
    distances = np.empty(len(embedding), dtype=np.float32)
    for fold in range(len(held_out.files)):
        of_fold = held_out.folds == fold
        seen = held_out.embedding_by(fold)
        subspace = fit_subspace(seen[~of_fold], recipe.suitability_components, recipe.seed)
        others = subspace.statistics("nearest", recipe.seed)
        distances[of_fold] = others.distances(seen[of_fold], recipe.suitability_neighbour)
    subspace = fit_subspace(embedding, recipe.suitability_components, recipe.seed)
    write_statistics(subspace.statistics("nearest", recipe.seed), path)
    return EmbeddingLimits(
        statistics_file=path.name,
        neighbour=recipe.suitability_neighbour,
        maximum_distance=float(np.quantile(distances, 1 - recipe.suitability_refused)),
    )


def choose_statistic(
    plain: Heads, changed: Heads, drawn: Float32, recipe: Recipe
) -> tuple[EmbeddingStatistics, EmbeddingLimits]:
    """Compare the candidates by patients that neither the statistics nor, in fold -1, the network has seen.

    The limit is where the recipe's share of held-out slices is refused, as they are or as other sites may export
    them, whichever asks for more room. The candidate wins whose limit drawn pictures exceed by more.

    Args:
        plain: slices as they are.
        changed: slices of the same patients as other sites may export them.
        drawn: (m, features) of pictures that are no head, which nothing is fitted on.
        recipe: components, neighbour, seed, and the share of slices that may be refused.
    """
    subspaces = {
        fold: fit_subspace(_both(plain, changed, fold), recipe.suitability_components, recipe.seed)
        for fold in folds_of(plain, changed)
    }
    compared = [_compare(name, subspaces, plain, changed, drawn, recipe) for name in get_args(Statistic)]
    chosen = max(compared, key=lambda one: one.drawn_margin)
    whole = fit_subspace(_both(plain, changed), recipe.suitability_components, recipe.seed)
    limits = EmbeddingLimits(
        statistic=chosen.statistic,
        neighbour=_neighbour(chosen.statistic, recipe),
        maximum_distance=chosen.maximum_distance,
        compared=tuple(compared),
    )
    return whole.statistics(chosen.statistic, recipe.seed), limits


def folds_of(plain: Heads, changed: Heads) -> list[int]:
    """The folds that either has slices of."""
    return [int(fold) for fold in np.unique(np.concatenate([plain.folds, changed.folds]))]


def _both(plain: Heads, changed: Heads, fold: int | None = None) -> Float32:
    return np.concatenate([plain.fitted_without(fold), changed.fitted_without(fold)])


def _compare(
    statistic: Statistic,
    subspaces: Mapping[int, Subspace],
    plain: Heads,
    changed: Heads,
    drawn: Float32,
    recipe: Recipe,
) -> StatisticCompared:
    neighbour = _neighbour(statistic, recipe)
    as_they_are, shown_otherwise = (
        np.empty(len(heads.embedding), dtype=np.float32) for heads in (plain, changed)
    )
    of_drawn = []
    for fold, subspace in subspaces.items():
        fitted = subspace.statistics(statistic, recipe.seed)
        for distances, heads in ((as_they_are, plain), (shown_otherwise, changed)):
            held_out = heads.folds == fold
            distances[held_out] = fitted.distances(heads.embedding[held_out], neighbour)
        of_drawn.append(fitted.distances(drawn, neighbour))
    limit = max(
        float(np.quantile(distances, 1 - recipe.suitability_refused))
        for distances in (as_they_are, shown_otherwise)
    )
    novelty = np.mean(of_drawn, axis=0) / limit
    return StatisticCompared(
        statistic=statistic,
        maximum_distance=limit,
        refused=float((as_they_are > limit).mean()),
        refused_changed=float((shown_otherwise > limit).mean()),
        drawn_refused=float((novelty > 1).mean()),
        drawn_margin=float(np.quantile(novelty, _MARGIN_QUANTILE)),
    )


def _neighbour(statistic: Statistic, recipe: Recipe) -> int:
    return recipe.suitability_neighbour if statistic == "nearest" else 1
