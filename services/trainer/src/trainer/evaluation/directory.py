"""A finished model held against a data set: its own graph, preprocessing, calibration and limits."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from ictus.imaging.volume import Volume
from ictus.model.manifest import INPUT_PIXELS, OUTPUT_LOGITS, Metric, ModelDirectory
from ictus.model.preprocess import prepare
from trainer.calibrate import Fitted, HeldOut, Judged, judge
from trainer.data import Dataset, read_picture
from trainer.evaluation.published import evaluate
from trainer.features import open_session


def judge_directory(
    model: ModelDirectory,
    dataset: Dataset,
    change: Callable[[Volume, int], Volume] | None = None,
    what: str = "classifying",
) -> tuple[Judged, Judged]:
    """What a finished model says of each slice and each study of a data set: (slices, studies).

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
    held_out = HeldOut(np.concatenate(logits), dataset.labels, dataset.patients)
    return judge(held_out, Fitted(manifest.calibration, manifest.decision), manifest.aggregation)


def evaluate_directory(model: ModelDirectory, dataset: Dataset, seed: int) -> tuple[Metric, ...]:
    """Every figure of a finished model on a data set, at both levels.

    Raises:
        EvaluationError: there are no strokes or no normals.
    """
    slices, studies = judge_directory(model, dataset)
    return evaluate("slice", slices, seed) + evaluate("study", studies, seed)
