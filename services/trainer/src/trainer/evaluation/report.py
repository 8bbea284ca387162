"""Everything an evaluation says, in one file: ``evaluation.json``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ictus.model.base import Params
from ictus.model.manifest import Metric, ModelDirectory
from trainer.calibrate import (
    ErrorRates,
    HeldOut,
    Judged,
    judge,
    judge_across_folds,
    judge_in_series,
    judge_in_series_across_folds,
)
from trainer.data import Dataset
from trainer.evaluation.bootstrap import RESAMPLES, patient_weights
from trainer.evaluation.directory import ask_directory, fitted_of
from trainer.evaluation.metrics import LEVELS, Level, called_stroke
from trainer.evaluation.operating import (
    TARGET_SENSITIVITIES,
    Confusion,
    OperatingPoint,
    SetCoverage,
    confusion,
    operating_points,
    set_coverage,
)
from trainer.evaluation.published import evaluate, evaluate_in_series
from trainer.evaluation.robustness import RobustnessRow, robustness, some_patients
from trainer.evaluation.subgroups import SubgroupRow, groups_of, subgroup_rows
from trainer.recipe import Recipe

EVALUATION_FILE: Final = "evaluation.json"

_UNSEEN: Final = "Calibration and limits as in the manifest."
_SEEN: Final = "The model was trained on these very slices: these figures say nothing about new patients."


class LevelReport(Params):
    """Figures at one level."""

    level: Level
    examples: int
    strokes: int
    patients: int
    metrics: tuple[Metric, ...]
    confusion: Confusion = Field(description="At even odds.")
    operating_points: tuple[OperatingPoint, ...]
    sets: tuple[SetCoverage, ...]


class EvaluationReport(Params):
    """What was judged, how, and with which result."""

    model: str
    version: str
    model_sha256: str | None = Field(description="Of the manifest; None for cross-validated predictions.")
    dataset: str
    dataset_sha256: str
    how: str
    seed: int
    resamples: int = RESAMPLES
    levels: tuple[LevelReport, ...]
    in_series: tuple[Metric, ...] = Field(
        default=(), description="Of slices in the light of their neighbours and their series."
    )
    subgroups: tuple[SubgroupRow, ...] = ()
    robustness: tuple[RobustnessRow, ...] = ()


def level_report(
    level: Level,
    judged: Judged,
    errors: ErrorRates,
    seed: int,
    targets: Sequence[float] = TARGET_SENSITIVITIES,
) -> LevelReport:
    """Every figure, operating point and set coverage at one level.

    Args:
        level: what the predictions are of.
        judged: held-out predictions.
        errors: what their limits were fitted to promise.
        seed: of the bootstrap.
        targets: sensitivities for the operating points.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    weights = patient_weights(judged.patient, judged.label, seed)
    return LevelReport(
        level=level,
        examples=len(judged.label),
        strokes=int(judged.label.sum()),
        patients=len(set(judged.patient)),
        metrics=evaluate(level, judged, seed),
        confusion=confusion(called_stroke(judged), judged.label),
        operating_points=operating_points(judged, weights, targets),
        sets=set_coverage(judged, errors, weights),
    )


def evaluate_fully(
    model: ModelDirectory,
    dataset: Dataset,
    robustness_patients: int,
    seed: int,
    output: Path | None,
) -> EvaluationReport:
    """Judge a data set with a finished model, and write ``evaluation.json`` and ``figures/``.

    Args:
        model: a verified model directory.
        dataset: labelled slices.
        robustness_patients: whose slices are judged again under each perturbation; 0 leaves that out.
        seed: of the bootstrap, the noise and the choice of patients.
        output: folder to write to; None writes nothing.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    said, fitted, aggregation = (
        ask_directory(model, dataset),
        fitted_of(model.manifest),
        model.manifest.aggregation,
    )
    judged = dict(zip(LEVELS, judge(said, fitted, aggregation), strict=True))
    worsened = (
        robustness(model, some_patients(dataset, robustness_patients, seed), seed)
        if robustness_patients
        else ()
    )
    manifest = model.manifest
    limits = {"slice": manifest.decision.slice, "study": manifest.decision.study}
    report = EvaluationReport(
        model=manifest.name,
        version=manifest.version,
        model_sha256=model.sha256,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        how=_SEEN if dataset.sha256 == manifest.training.dataset_sha256 else _UNSEEN,
        seed=seed,
        levels=tuple(
            level_report(
                level,
                found,
                ErrorRates(limits[level].stroke_error_rate, limits[level].normal_error_rate),
                seed,
            )
            for level, found in judged.items()
        ),
        in_series=evaluate_in_series(judge_in_series(said, fitted, aggregation), seed),
        subgroups=subgroup_rows(groups_of(dataset), dataset, judged, seed),
        robustness=worsened,
    )
    if output is not None:
        write_report(report, judged, output)
    return report


def report_across_folds(
    said: HeldOut, folds: NDArray[np.int64], dataset: Dataset, recipe: Recipe, output: Path
) -> EvaluationReport:
    """Report a cross-validation, each fold calibrated on the others, and write ``evaluation.json`` and ``figures/``.

    Args:
        said: out-of-fold logits of the data set's slices.
        folds: (n,) in which each slice was held out.
        dataset: the slices.
        recipe: how studies are scored, what the limits promise, and the seed of the bootstrap.
        output: folder to write to.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    judged = dict(zip(LEVELS, judge_across_folds(said, folds, recipe), strict=True))
    errors = ErrorRates(recipe.stroke_error_rate, recipe.normal_error_rate)
    report = EvaluationReport(
        model="cross-validation",
        version="",
        model_sha256=None,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        how=f"{recipe.folds}-fold cross-validation by patient; calibration and limits fitted on the other folds.",
        seed=recipe.seed,
        levels=tuple(level_report(level, found, errors, recipe.seed) for level, found in judged.items()),
        in_series=evaluate_in_series(judge_in_series_across_folds(said, folds, recipe), recipe.seed),
        subgroups=subgroup_rows(groups_of(dataset), dataset, judged, recipe.seed),
    )
    write_report(report, judged, output)
    return report


def write_report(report: EvaluationReport, judged: Mapping[Level, Judged], output: Path) -> None:
    """Write ``evaluation.json`` and ``figures/`` into a folder, which is made when absent."""
    from trainer.evaluation.figures import draw_evaluation  # noqa: PLC0415 (Matplotlib takes a second to import)

    output.mkdir(parents=True, exist_ok=True)
    (output / EVALUATION_FILE).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draw_evaluation(report, judged, output / "figures")
