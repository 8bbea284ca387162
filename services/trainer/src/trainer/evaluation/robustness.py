"""What is left of a model's figures when pictures are worse than those it knows.

Each change is made on the picture before preprocessing, as another scanner or export would have made it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.imaging.volume import Volume
from ictus.model.base import Params
from ictus.model.manifest import Metric, ModelDirectory
from trainer.calibrate import Judged
from trainer.data import Dataset
from trainer.evaluation.bootstrap import EvaluationError, patient_weights
from trainer.evaluation.directory import judge_directory
from trainer.evaluation.metrics import LEVELS, STATISTICS, Level, measure, to_metrics
from trainer.evaluation.paired import Difference, auc_difference

UInt8 = NDArray[np.uint8]

_FIGURES: Final = ("roc_auc", "sensitivity_ruling_out", "specificity_ruling_out", "confident_share")


@dataclass(frozen=True)
class Perturbation:
    """One change at one strength, for example "noise" and "10 grey levels"."""

    family: str
    strength: str
    change: Callable[[UInt8, np.random.Generator], UInt8]


class RobustnessRow(Params):
    """The figures under one change, and what it did to the ROC-AUC (changed minus unchanged)."""

    family: str
    strength: str
    metrics: tuple[Metric, ...]
    auc_change: tuple[Difference, ...]


def noise(picture: UInt8, random: np.random.Generator, deviation: float) -> UInt8:
    """Gaussian noise in grey levels; air stays black, it lies below any window with its noise."""
    grain = random.standard_normal(picture.shape, np.float32) * deviation
    return np.asarray(np.clip(np.rint(picture + grain * (picture > 0)), 0, 255), dtype=np.uint8)


def shift_window(picture: UInt8, _: np.random.Generator, grey_levels: int) -> UInt8:
    """The picture as a window at another level would show it; what was cut off stays cut off."""
    moved = np.clip(picture.astype(np.int16) + grey_levels * (picture > 0), 0, 255)
    return np.asarray(moved, dtype=np.uint8)


def rotate(picture: UInt8, _: np.random.Generator, degrees: float) -> UInt8:
    """Turned about its middle, counter-clockwise."""
    rows, columns = picture.shape
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (columns, rows)), dtype=np.uint8)


def coarsen(picture: UInt8, _: np.random.Generator, factor: float) -> UInt8:
    """With fewer pixels along each side, brought back to its size."""
    rows, columns = picture.shape
    few = (max(1, round(columns / factor)), max(1, round(rows / factor)))
    small = cv2.resize(picture, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def compress(picture: UInt8, _: np.random.Generator, quality: int) -> UInt8:
    """Coded as JPEG at this quality, 1..100."""
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


PERTURBATIONS: Final = (
    *(Perturbation("noise", f"{sd} grey levels", partial(noise, deviation=sd)) for sd in (5, 10, 20)),
    *(
        Perturbation("window shift", f"{by:+d} grey levels", partial(shift_window, grey_levels=by))
        for by in (-40, -20, 20, 40)
    ),
    *(Perturbation("rotation", f"{by:+d} degrees", partial(rotate, degrees=by)) for by in (-15, -5, 5, 15)),
    *(Perturbation("resolution", f"1/{by}", partial(coarsen, factor=by)) for by in (2, 4, 6)),
    *(Perturbation("JPEG quality", f"{at}", partial(compress, quality=at)) for at in (60, 30, 10)),
)


def robustness(
    model: ModelDirectory,
    dataset: Dataset,
    seed: int,
    perturbations: tuple[Perturbation, ...] = PERTURBATIONS,
) -> tuple[RobustnessRow, ...]:
    """Judge changed pictures; the first row is of the pictures as they are.

    Args:
        model: a verified model directory.
        dataset: labelled slices; each change takes as long as an evaluation of them.
        seed: of the noise and the bootstrap.
        perturbations: the changes.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    unchanged = dict(zip(LEVELS, judge_directory(model, dataset), strict=True))
    rows = [_row("unchanged", "", unchanged, unchanged, seed)]
    for perturbation in perturbations:
        what = f"{perturbation.family} {perturbation.strength}"
        change = partial(_changed, perturbation=perturbation, seed=seed)
        judged = dict(zip(LEVELS, judge_directory(model, dataset, change, what), strict=True))
        rows.append(_row(perturbation.family, perturbation.strength, judged, unchanged, seed))
    return tuple(rows)


def some_patients(dataset: Dataset, patients: int, seed: int) -> Dataset:
    """The slices of so many patients, half of them with a stroke as far as there are, drawn by lot.

    Raises:
        EvaluationError: fewer than four patients are asked for.
    """
    if patients < 4:
        raise EvaluationError("Robustness needs at least four patients, two with a stroke and two without.")
    with_stroke = np.unique(dataset.patients[dataset.labels])
    without = np.setdiff1d(np.unique(dataset.patients), with_stroke)
    rng = np.random.default_rng(seed)
    halves = [rng.permutation(group)[: patients // 2] for group in (with_stroke, without)]
    chosen = set(np.concatenate(halves))
    return replace(dataset, slices=tuple(s for s in dataset.slices if s.patient in chosen))


def _changed(volume: Volume, position: int, perturbation: Perturbation, seed: int) -> Volume:
    random = np.random.default_rng((seed, position))
    changed = [perturbation.change(np.asarray(v, dtype=np.uint8), random) for v in volume.voxels]
    return replace(volume, voxels=np.stack(changed))


def _row(
    family: str, strength: str, judged: dict[Level, Judged], unchanged: dict[Level, Judged], seed: int
) -> RobustnessRow:
    chosen = {name: STATISTICS[name] for name in _FIGURES}
    metrics: list[Metric] = []
    for level, j in judged.items():
        metrics += to_metrics(level, measure(j, chosen, patient_weights(j.patient, j.label, seed)))
    return RobustnessRow(
        family=family,
        strength=strength,
        metrics=tuple(metrics),
        auc_change=tuple(auc_difference(level, judged[level], unchanged[level]) for level in LEVELS),
    )
