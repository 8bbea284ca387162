"""Several models' held-out predictions of the same patients, held against one of them."""

from collections.abc import Mapping
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params
from ictus.model.manifest import Metric
from trainer.calibrate import HeldOut, Judged, judge_across_folds
from trainer.evaluation.bootstrap import RESAMPLES, Interval
from trainer.evaluation.metrics import LEVELS, STATISTICS, Level
from trainer.evaluation.paired import Difference, auc_difference, bootstrap_difference, holm
from trainer.evaluation.published import evaluate
from trainer.recipe import Recipe

_BOOTSTRAPPED: Final = ("pr_auc", "accuracy", "brier")


class Contender(Params):
    """One model's figures."""

    name: str
    title: str
    metrics: tuple[Metric, ...]


class TestedDifference(Params):
    """The reference's figure above another contender's."""

    contender: str
    difference: Difference
    p_adjusted: float = Field(description="Holm's, over the contenders at this level and figure.")


class LearningPoint(Params):
    """ROC-AUC at slice level of heads that learned from a share of the other folds' patients.

    Attributes:
        patients: learned from, the mean of the folds.
        training: on the patients that were learned from, the mean of the folds.
        held_out: on the held-out fold's patients.
    """

    patients: float
    training: float
    held_out: Interval


class Comparison(Params):
    """What ``compare`` found; ``comparison.json``."""

    dataset: str
    dataset_sha256: str
    patients: int
    slices: int
    folds: int
    seed: int
    resamples: int = RESAMPLES
    reference: str
    contenders: tuple[Contender, ...]
    differences: tuple[TestedDifference, ...]
    learning_curve: tuple[LearningPoint, ...] = Field(
        description="Of the reference; empty when it was not made."
    )


def judge_all(
    logits: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.bool_],
    patients: NDArray[np.str_],
    folds: NDArray[np.int64],
    recipe: Recipe,
) -> dict[str, dict[Level, Judged]]:
    """Each contender's predictions, calibrated on the other folds, at both levels.

    Args:
        logits: (n, 2) out-of-fold logits of each contender.
        labels: (n,) the truth.
        patients: (n,).
        folds: (n,) in which each slice was held out.
        recipe: how studies are scored and what the limits promise.
    """
    return {
        name: dict(
            zip(LEVELS, judge_across_folds(HeldOut(found, labels, patients), folds, recipe), strict=True)
        )
        for name, found in logits.items()
    }


def differences(
    judged: Mapping[str, Mapping[Level, Judged]], reference: str, seed: int
) -> tuple[TestedDifference, ...]:
    """The reference against each other contender at both levels: ROC-AUC by DeLong, the rest by bootstrap.

    Raises:
        EvaluationError: the contenders judged different examples.
    """
    found: list[tuple[str, Difference]] = []
    for level in LEVELS:
        ours = judged[reference][level]
        others = {name: levels[level] for name, levels in judged.items() if name != reference}
        found += [(name, auc_difference(level, ours, theirs)) for name, theirs in others.items()]
        for figure in _BOOTSTRAPPED:
            statistic = STATISTICS[figure]
            found += [
                (name, bootstrap_difference(level, figure, statistic, ours, theirs, seed))
                for name, theirs in others.items()
            ]
    tested: list[TestedDifference] = []
    for _, family in groupby(found, key=lambda pair: (pair[1].level, pair[1].name)):
        members = list(family)
        adjusted = holm([difference.p for _, difference in members])
        tested += [
            TestedDifference(contender=name, difference=difference, p_adjusted=p)
            for (name, difference), p in zip(members, adjusted, strict=True)
        ]
    return tuple(tested)


def figures_of(name: str, title: str, levels: Mapping[Level, Judged], seed: int) -> Contender:
    """One contender's figures at both levels."""
    return Contender(
        name=name,
        title=title,
        metrics=tuple(metric for level in LEVELS for metric in evaluate(level, levels[level], seed)),
    )
