"""Heads fitted on inner products, each choice made by folds of the patients that are learned from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC
from sklearn.utils.extmath import randomized_svd

from bench.experiments.features import Gram, Views

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

INNER_FOLDS: Final = 4
_PENALTIES: Final = (1e-4, 3e-4, 1e-3)
_COSTS: Final = (1.0,)
_COMPONENTS: Final = 400


@dataclass(frozen=True)
class Said:
    """Log-odds of all slices by what was learned from an outer fold's other patients.

    Attributes:
        inner: (n,) by heads that never saw the slice's patient; meaningless for the outer fold's own patients.
        outer: (n,) by the head that learned from all of the others; honest for the outer fold's own patients only.
    """

    inner: Float64
    outer: Float64


@dataclass(frozen=True)
class Problem:
    """One outer fold.

    Attributes:
        views: of the patients that are learned from.
        labels: (n,) of all slices.
        patients: (n,) of all slices.
        learned: (n,) which slices are of patients that are learned from.
        seed: of the inner folds.
    """

    views: Views
    labels: Bool
    patients: NDArray[np.str_]
    learned: Bool
    seed: int

    def inner_folds(self) -> Iterator[Bool]:
        """(n,) the slices that each inner fold holds out."""
        rows = np.flatnonzero(self.learned)
        splitter = StratifiedGroupKFold(INNER_FOLDS, shuffle=True, random_state=self.seed)
        for _, held_out in splitter.split(rows[:, None], self.labels[rows], self.patients[rows]):
            chosen = np.zeros(len(self.labels), dtype=np.bool_)
            chosen[rows[held_out]] = True
            yield chosen


def as_they_are(labels: Bool, patients: NDArray[np.str_], learned: Bool, seed: int) -> Problem:
    """An outer fold that learns from slices as they are; what is known of them comes as inner products alone."""
    rows = np.flatnonzero(learned)
    nothing = np.empty((len(rows), 0), dtype=np.float32)
    return Problem(Views(nothing, rows, labels[rows], np.ones(len(rows))), labels, patients, learned, seed)


Path = Callable[[Bool, Bool, Sequence[float]], list[Float64]]
"""(m,) views to learn from, (n,) slices to judge and settings to try, to log-odds of those slices for each setting."""


def logistic(problem: Problem, gram: Gram) -> Said:
    """Penalised logistic regression on the leading principal components of what is learned from.

    The penalty leaves next to nothing of the others; leaving them out makes a fit a matter of a tenth of a second.
    """
    components = min(_COMPONENTS, len(gram.learned))
    vectors, values, _ = randomized_svd(gram.learned, components, n_iter=4, random_state=problem.seed)
    scale = np.sqrt(np.maximum(values, values[0] * 1e-7))
    root, asked = vectors * scale, gram.asked @ (vectors / scale)

    def path(learn: Bool, judge: Bool, settings: Sequence[float]) -> list[Float64]:
        model = LogisticRegression(max_iter=500, tol=1e-4, warm_start=True)
        found = []
        for penalty in settings:
            model.set_params(C=penalty).fit(
                root[learn], problem.views.stroke[learn], sample_weight=problem.views.weight[learn]
            )
            found.append(model.decision_function(asked[judge]))
        return found

    return _nested(problem, path, _PENALTIES)


def support_vectors(problem: Problem, gram: Gram) -> Said:
    """SVM with a Gaussian kernel, its width the number of features, classes weighted by rarity."""
    own = np.diag(gram.learned)
    near = np.exp(-(own[:, None] + own - 2 * gram.learned) / gram.width)
    asked = np.exp(-(gram.own[:, None] + own - 2 * gram.asked) / gram.width)

    def path(learn: Bool, judge: Bool, settings: Sequence[float]) -> list[Float64]:
        kept = near[np.ix_(learn, learn)]
        found = []
        for cost in settings:
            model = SVC(C=cost, kernel="precomputed", class_weight="balanced")
            model.fit(kept, problem.views.stroke[learn], sample_weight=problem.views.weight[learn])
            found.append(model.decision_function(asked[np.ix_(judge, learn)]))
        return found

    return _nested(problem, path, _COSTS)


def averaged(problem: Problem, *said: Said) -> Said:
    """The mean of several heads' log-odds, each in units of its own spread over the patients learned from."""
    spread = [float(one.inner[problem.learned].std()) for one in said]
    inner = np.mean([one.inner / unit for one, unit in zip(said, spread, strict=True)], axis=0)
    outer = np.mean([one.outer / unit for one, unit in zip(said, spread, strict=True)], axis=0)
    return Said(inner, outer)


def _nested(problem: Problem, path: Path, settings: Sequence[float]) -> Said:
    inner: list[Float64] = []
    for held_out in problem.inner_folds():
        found = path(~held_out[problem.views.row], held_out, settings)
        inner = inner or [np.zeros(len(problem.labels)) for _ in found]
        for kept, log_odds in zip(inner, found, strict=True):
            kept[held_out] = log_odds
    truth = problem.labels[problem.learned]
    best = int(np.argmax([roc_auc_score(truth, kept[problem.learned]) for kept in inner]))
    everything = np.ones(len(problem.views.row), dtype=np.bool_)
    (outer,) = path(everything, np.ones(len(problem.labels), dtype=np.bool_), settings[best : best + 1])
    return Said(inner[best], outer)
