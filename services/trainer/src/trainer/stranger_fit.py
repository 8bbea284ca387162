"""Fit the line between head CT and strangers: pictures of other things that the network is shown for this alone.

Outlier exposure (Hendrycks et al., ICLR 2019) on a finished embedding: a ridge-penalised logistic regression on the
principal components of head CT and strangers together, folded into one weight for each feature.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from ictus.model.suitability import LikenessLimits, likeness_scores, unit_rows
from trainer.suitability_fit import Heads, folds_of

Float32 = NDArray[np.float32]

_COMPONENTS: Final = 128
_PENALTIES: Final = (0.1, 1.0, 10.0)
_ITERATIONS: Final = 5000


def fit_likeness(
    plain: Heads,
    changed: Heads,
    drawn_heads: Float32,
    strangers: Float32,
    kinds: Sequence[str],
    refused: float,
    seed: int,
) -> tuple[Float32, LikenessLimits]:
    """Choose the penalty by strangers of kinds that were left out, put the limit where held-out patients allow it.

    Args:
        plain: slices as they are.
        changed: slices of the same patients as other sites may export them.
        drawn_heads: (k, features) embeddings of drawn heads, which must be answered: always fitted on, never counted.
        strangers: (m, features) embeddings of pictures that are no head CT.
        kinds: (m,) of what kind each of them is.
        refused: share of held-out slices, as they are or as others export them, that may be refused.
        seed: of the principal components.

    Returns:
        (features + 1,) weights and what is added, and the bound.
    """
    tried = [
        _judge(plain, changed, drawn_heads, strangers, np.asarray(kinds), refused, penalty, seed)
        for penalty in _PENALTIES
    ]
    limits = max(tried, key=lambda one: one.strangers_refused)
    heads = np.concatenate([plain.fitted_without(), changed.fitted_without(), drawn_heads])
    return _line(heads, strangers, limits.penalty, seed), limits


def _judge(
    plain: Heads,
    changed: Heads,
    drawn_heads: Float32,
    strangers: Float32,
    kinds: NDArray[np.str_],
    refused: float,
    penalty: float,
    seed: int,
) -> LikenessLimits:
    as_they_are, shown_otherwise = (
        np.empty(len(heads.embedding), dtype=np.float32) for heads in (plain, changed)
    )
    for fold in folds_of(plain, changed):
        fitted = np.concatenate([plain.fitted_without(fold), changed.fitted_without(fold), drawn_heads])
        line = _line(fitted, strangers, penalty, seed)
        for scores, heads in ((as_they_are, plain), (shown_otherwise, changed)):
            held_out = heads.folds == fold
            scores[held_out] = likeness_scores(heads.embedding[held_out], line)
    limit = min(float(np.quantile(scores, refused)) for scores in (as_they_are, shown_otherwise))
    every_head = np.concatenate([plain.fitted_without(), changed.fitted_without(), drawn_heads])
    of_strangers = np.empty(len(strangers), dtype=np.float32)
    for kind in np.unique(kinds):
        line = _line(every_head, strangers[kinds != kind], penalty, seed)
        of_strangers[kinds == kind] = likeness_scores(strangers[kinds == kind], line)
    return LikenessLimits(
        minimum_score=limit,
        penalty=penalty,
        strangers=len(strangers),
        kinds=tuple(str(kind) for kind in np.unique(kinds)),
        refused=float((as_they_are < limit).mean()),
        refused_changed=float((shown_otherwise < limit).mean()),
        strangers_refused=float((of_strangers < limit).mean()),
    )


def _line(heads: Float32, strangers: Float32, penalty: float, seed: int) -> Float32:
    rows = unit_rows(np.concatenate([heads, strangers]))
    is_head = np.arange(len(rows)) < len(heads)
    components = min(_COMPONENTS, *rows.shape)
    axes = PCA(components, svd_solver="randomized", random_state=seed).fit(rows)
    along = axes.transform(rows)
    spread = float(along.std())
    fitted = LogisticRegression(C=penalty, class_weight="balanced", max_iter=_ITERATIONS)
    fitted.fit(along / spread, is_head)
    weights = (fitted.coef_[0] / spread) @ axes.components_
    return np.append(weights, fitted.intercept_[0] - weights @ axes.mean_).astype(np.float32)
