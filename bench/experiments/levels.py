"""From slices to slices in their series and to studies, each way fitted on what inner folds held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ictus.model.aggregation import context_features
from ictus.model.calibration import log_odds, sigmoid, slice_probabilities
from trainer.calibrate import Fitted, HeldOut, Judged, fit, judge, judge_in_series
from trainer.recipe import Recipe

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_HIGHEST: Final = 5
"""So many of a study's slices are laid before a learned study score, sorted."""


@dataclass(frozen=True)
class Fold:
    """Log-odds that one outer fold is judged by.

    Attributes:
        learned: of the patients that were learned from, by heads that never saw them.
        asked: of the outer fold's patients.
    """

    learned: HeldOut
    asked: HeldOut

    def fitted(self, recipe: Recipe) -> Fitted:
        """Calibration, limits and the weights of the series, as the trainer fits them."""
        return fit(self.learned, recipe)


def as_trained(fold: Fold, recipe: Recipe) -> dict[str, Judged]:
    """Slices alone, slices in their series and studies, as the trainer and serving do it."""
    fitted = fold.fitted(recipe)
    alone, studies = judge(fold.asked, fitted, recipe.aggregation)
    in_series = judge_in_series(fold.asked, fitted, recipe.aggregation)
    return {"slice": alone, "series": in_series, "study": studies}


def stacked_in_series(folds: Sequence[Fold], recipe: Recipe, *, boosted: bool) -> Judged:
    """One outer fold's slices in their series, by what several heads say of the series.

    Args:
        folds: the same slices by each head.
        recipe: how studies are scored.
        boosted: weigh by boosted trees instead of a logistic regression.
    """
    learned, asked = (
        np.concatenate(part, axis=1) for part in zip(*(_contexts(f, recipe) for f in folds), strict=True)
    )
    model = (
        GradientBoostingClassifier(
            n_estimators=80, max_depth=2, learning_rate=0.05, subsample=0.7, random_state=recipe.seed
        )
        if boosted
        else LogisticRegression(max_iter=2000)
    )
    held = folds[0].asked
    model.fit(learned, folds[0].learned.labels)
    whole = np.ones(len(held.labels))
    return Judged(model.predict_proba(asked)[:, 1], held.labels, held.patients, 0 * whole, whole)


def study_scores(fold: Fold, recipe: Recipe) -> dict[str, Judged]:
    """One outer fold's studies, by each way of making a score of their slices."""
    fitted = fold.fitted(recipe)
    learned, truth, _ = _bags(fold.learned, fitted, recipe)
    asked, labels, patients = _bags(fold.asked, fitted, recipe)
    found = {}
    for name, score in _STUDY_SCORES.items():
        probability = score(learned, truth, asked, recipe.seed)
        whole = np.ones(len(labels))
        found[name] = Judged(probability, labels, patients, 0 * whole, whole)
    return found


@dataclass(frozen=True)
class _Bag:
    """A study's slices: (n, 2) log-odds, alone and in their series."""

    odds: Float64

    @property
    def features(self) -> Float64:
        """Sorted log-odds, alone and in the series, with their mean and spread."""
        highest = -np.sort(-self.odds, axis=0)
        highest = np.concatenate([highest, np.repeat(highest[-1:], _HIGHEST, axis=0)])[:_HIGHEST]
        return np.concatenate([highest.ravel(), self.odds.mean(axis=0), self.odds.std(axis=0)])


def _bags(said: HeldOut, fitted: Fitted, recipe: Recipe) -> tuple[list[_Bag], Bool, NDArray[np.str_]]:
    alone = slice_probabilities(said.logits, fitted.calibration)[:, 1]
    in_series = judge_in_series(said, fitted, recipe.aggregation).probability
    odds = np.stack([log_odds(alone), log_odds(in_series)], axis=1)
    patients = np.unique(said.patients)
    members = [said.patients == patient for patient in patients]
    return [_Bag(odds[m]) for m in members], np.array([said.labels[m].any() for m in members]), patients


def _contexts(fold: Fold, recipe: Recipe) -> tuple[Float64, Float64]:
    calibration = fit(fold.learned, recipe).calibration
    both = []
    for said in (fold.learned, fold.asked):
        stroke = slice_probabilities(said.logits, calibration)[:, 1]
        features = np.zeros((len(stroke), 5))
        for patient in np.unique(said.patients):
            members = said.patients == patient
            features[members] = context_features(stroke[members], recipe.aggregation.k)
        both.append(features)
    return both[0], both[1]


Score = Callable[[list[_Bag], Bool, list[_Bag], int], Float64]
"""Bags to learn from, their truth, bags to judge and a seed, to the probability of those."""


def _highest(column: int, count: int) -> Score:
    """The mean of the highest probabilities, alone (column 0) or in their series (1)."""

    def score(learned: list[_Bag], truth: Bool, asked: list[_Bag], seed: int) -> Float64:
        del seed

        def of(bag: _Bag) -> float:
            return float(log_odds(np.sort(sigmoid(bag.odds[:, column]))[::-1][:count].mean()))

        model = LogisticRegression(C=np.inf).fit([[of(bag)] for bag in learned], truth)
        return np.asarray(model.predict_proba([[of(bag)] for bag in asked])[:, 1])

    return score


def _weighed(learned: list[_Bag], truth: Bool, asked: list[_Bag], seed: int) -> Float64:
    del seed
    features, given = (np.stack([bag.features for bag in bags]) for bags in (learned, asked))
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    model = LogisticRegression(C=0.1, max_iter=2000).fit((features - mean) / deviation, truth)
    return np.asarray(model.predict_proba((given - mean) / deviation)[:, 1])


def _boosted(learned: list[_Bag], truth: Bool, asked: list[_Bag], seed: int) -> Float64:
    features, given = (np.stack([bag.features for bag in bags]) for bags in (learned, asked))
    model = GradientBoostingClassifier(
        n_estimators=60, max_depth=2, learning_rate=0.05, subsample=0.7, random_state=seed
    ).fit(features, truth)
    return np.asarray(model.predict_proba(given)[:, 1])


def _attended(learned: list[_Bag], truth: Bool, asked: list[_Bag], seed: int) -> Float64:
    """Slices weigh by a softmax over what they and their series say; what is weighed is a weighted sum of both."""
    del seed

    def pooled(bag: _Bag, parameters: Float64) -> float:
        attention = bag.odds @ parameters[:2]
        attention = np.exp(attention - attention.max())
        return float(attention / attention.sum() @ (bag.odds @ parameters[2:4]) + parameters[4])

    def loss(parameters: Float64) -> float:
        odds = np.array([pooled(bag, parameters) for bag in learned])
        return float(np.logaddexp(0, np.where(truth, -odds, odds)).sum() + 0.5 * (parameters[:4] ** 2).sum())

    best = minimize(loss, np.array([1.0, 0.0, 0.5, 0.5, 0.0]), method="L-BFGS-B").x
    return np.asarray(sigmoid(np.array([pooled(bag, best) for bag in asked])))


_STUDY_SCORES: Final[dict[str, Score]] = {
    "highest slice": _highest(0, 1),
    "mean of the 3 highest in their series": _highest(1, 3),
    "logistic regression on sorted scores": _weighed,
    "boosted trees on sorted scores": _boosted,
    "attention over slices": _attended,
}
