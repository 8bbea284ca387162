"""A finished model held against a data set: its own graph, preprocessing, calibration and limits."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from ictus.imaging.volume import Volume
from ictus.model.manifest import INPUT_PIXELS, OUTPUT_LOGITS, Metric, ModelDirectory, ModelManifest
from ictus.model.preprocess import prepare
from trainer.calibrate import Fitted, HeldOut, Judged, judge, judge_in_series
from trainer.data import Dataset, read_picture
from trainer.evaluation.published import evaluate, evaluate_in_series
from trainer.features import open_session


def ask_directory(
    model: ModelDirectory,
    dataset: Dataset,
    change: Callable[[Volume, int], Volume] | None = None,
    what: str = "classifying",
) -> HeldOut:
    """What a finished model's network says of each slice of a data set.

    Args:
        model: a verified model directory.
        dataset: labelled slices.
        change: applied to each picture before preprocessing, with the picture's position.
        what: the progress bar's words.
    """
    manifest = model.manifest
    session = open_session(model.graph, threads=0)
    logits = []
    for position, example in enumerate(tqdm(dataset.slices, desc=what, unit="slice")):
        picture = read_picture(example.path)
        pixels = prepare(change(picture, position) if change else picture, manifest.preprocess).pixels
        logits.append(session.run([OUTPUT_LOGITS], {INPUT_PIXELS: pixels})[0])
    return HeldOut(np.concatenate(logits), dataset.labels, dataset.patients)


def fitted_of(manifest: ModelManifest) -> Fitted:
    """What a finished model's logits are turned into a disposition by."""
    return Fitted(manifest.calibration, manifest.decision, manifest.aggregation.context)


def judge_directory(
    model: ModelDirectory,
    dataset: Dataset,
    change: Callable[[Volume, int], Volume] | None = None,
    what: str = "classifying",
) -> tuple[Judged, Judged]:
    """What a finished model says of each slice by itself and of each study: (slices, studies).

    Arguments as of ``ask_directory``.
    """
    said = ask_directory(model, dataset, change, what)
    return judge(said, fitted_of(model.manifest), model.manifest.aggregation)


def evaluate_directory(model: ModelDirectory, dataset: Dataset, seed: int) -> tuple[Metric, ...]:
    """Every figure of a finished model on a data set: of slices by themselves and in their series, and of studies.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    said, fitted, aggregation = (
        ask_directory(model, dataset),
        fitted_of(model.manifest),
        model.manifest.aggregation,
    )
    slices, studies = judge(said, fitted, aggregation)
    return (
        *evaluate("slice", slices, seed),
        *evaluate_in_series(judge_in_series(said, fitted, aggregation), seed),
        *evaluate("study", studies, seed),
    )
