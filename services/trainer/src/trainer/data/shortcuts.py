"""Can the classes be told apart without looking at anatomy?

Baselines that see only how a picture was made are cross-validated under the folds that the network is trained under.
One that tells the classes apart proves that a network could, too, so that a good figure on this data says nothing.

Two comparisons:

* *as labelled*: the examples and labels that a network learns from;
* *without lesion*: only slices labelled as showing nothing, told apart by whether their patient has a stroke. It
  exists where labels are of slices.

Grey levels and sharpness see a lesion that is brighter or darker than brain, which is no shortcut, so where it exists
they are judged by the second comparison. Borders, file traits and the blanked picture cannot see a lesion and are judged by both.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from ictus.model.base import Params
from trainer.data.dataset import Dataset
from trainer.data.manifest import KnownShortcut, LabelLevel
from trainer.data.traits import GREY_LEVELS, SHARPNESS, PictureOf, measure_traits
from trainer.evaluation.bootstrap import patient_weights, whole
from trainer.evaluation.weighted import roc_auc

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

STOPS_ABOVE: Final = 0.65
"""A baseline stops a run when the lower bound of its 95 % interval is above this: docs/decisions/0080."""
_RESAMPLES: Final = 500
_SEES_LESIONS: Final = (GREY_LEVELS, SHARPNESS)
_ENOUGH_PATIENTS: Final = 10
"""Patients with a stroke that the comparison without lesion needs."""
_WORTH_THREADS: Final = 1000
"""Examples below which starting threads costs more than it saves."""

Verdict = Literal["near chance", "above chance", "shortcut", "shortcut, carried"]


class Separation(Params):
    """How well a baseline tells two groups apart: area under the ROC curve with its 95 % interval over patients.

    Attributes:
        pooled_auc: of patients, each by the mean score of its examples; None where all have a stroke.
    """

    examples: int
    patients: int
    auc: float
    low: float
    high: float
    pooled_auc: float | None
    pooled_low: float | None
    pooled_high: float | None


class Baseline(Params):
    """What one baseline found; ``judged`` is the comparison that ``verdict`` goes by."""

    name: str
    as_labelled: Separation
    without_lesion: Separation | None
    judged: Literal["as labelled", "without lesion"]
    verdict: Verdict

    @property
    def figure(self) -> Separation:
        """The separation that was judged."""
        judged = self.without_lesion if self.judged == "without lesion" else None
        return judged or self.as_labelled


def measure_shortcuts(
    dataset: Dataset, folds: NDArray[np.int64], seed: int, picture_of: PictureOf | None = None
) -> tuple[Baseline, ...]:
    """Every baseline on a data set.

    Args:
        dataset: what a network is to be trained on.
        folds: (n,) the fold that each example is held out in, the network's own.
        seed: of the trees and the bootstrap.
        picture_of: what the network is given instead of the files as they are: shows whether a shortcut is broken.

    Raises:
        DatasetError: a picture cannot be decoded.
        EvaluationError: the examples are of one class.
    """
    labels, patients = dataset.labels, dataset.patients
    with_stroke = np.isin(patients, patients[labels])
    calm = ~labels
    comparable = (
        dataset.label_level is LabelLevel.SLICE
        and len(np.unique(patients[calm & with_stroke])) >= _ENOUGH_PATIENTS
        and len(np.unique(patients[calm & ~with_stroke])) >= _ENOUGH_PATIENTS
    )
    found = []
    for name, traits in measure_traits(dataset, picture_of).items():
        labelled = _separation(traits, labels, patients, folds, seed)
        control = (
            _separation(traits[calm], with_stroke[calm], patients[calm], folds[calm], seed)
            if comparable
            else None
        )
        found.append(_judge(dataset, name, labelled, control))
    return tuple(found)


def _judge(dataset: Dataset, name: str, labelled: Separation, control: Separation | None) -> Baseline:
    without = control is not None and (name in _SEES_LESIONS or control.low > labelled.low)
    figure = control if control is not None and without else labelled
    return Baseline(
        name=name,
        as_labelled=labelled,
        without_lesion=control,
        judged="without lesion" if without else "as labelled",
        verdict=verdict_on(name, figure, dataset.known_shortcuts),
    )


def verdict_on(name: str, figure: Separation, known: Sequence[KnownShortcut]) -> Verdict:
    """What a baseline's judged figure means; a carried finding covers it up to the bound that was written down."""
    if figure.low > STOPS_ABOVE:
        carried = any(k.baseline == name and figure.auc <= (k.high or k.auc) for k in known)
        return "shortcut, carried" if carried else "shortcut"
    return "above chance" if figure.low > 0.5 else "near chance"


def _separation(
    traits: NDArray[np.float32], labels: Bool, patients: NDArray[np.str_], folds: NDArray[np.int64], seed: int
) -> Separation:
    scores = _held_out_scores(traits, labels, folds, seed)
    names, member = np.unique(patients, return_inverse=True)
    pooled = np.bincount(member, scores) / np.bincount(member)
    pooled_labels = np.bincount(member, labels) > 0
    auc, low, high = _interval(scores, labels, patients, seed)
    of_patients = (None, None, None) if pooled_labels.all() else _interval(pooled, pooled_labels, names, seed)
    return Separation(
        examples=len(labels),
        patients=len(names),
        auc=auc,
        low=low,
        high=high,
        pooled_auc=of_patients[0],
        pooled_low=of_patients[1],
        pooled_high=of_patients[2],
    )


def _interval(
    scores: Float64, labels: Bool, patients: NDArray[np.str_], seed: int
) -> tuple[float, float, float]:
    value = float(roc_auc(scores, labels, whole(len(labels)))[0])
    resampled = roc_auc(scores, labels, patient_weights(patients, labels, seed, _RESAMPLES))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return round(value, 4), round(float(low), 4), round(float(high), 4)


def _held_out_scores(
    traits: NDArray[np.float32], labels: Bool, folds: NDArray[np.int64], seed: int
) -> Float64:
    """(n,) the share of trees that call each example a stroke, by trees grown on the other folds.

    A fold without examples to learn both classes from gives 0.5: it knows nothing.
    """
    scores = np.full(len(labels), 0.5)
    cores = -1 if len(labels) > _WORTH_THREADS else None
    for fold in np.unique(folds):
        held_out = folds == fold
        if len(np.unique(labels[~held_out])) < 2:
            continue
        trees = ExtraTreesClassifier(
            100, min_samples_leaf=5, class_weight="balanced", random_state=seed, n_jobs=cores
        )
        trees.fit(traits[~held_out], labels[~held_out])
        scores[held_out] = trees.predict_proba(traits[held_out])[:, 1]
    return scores
