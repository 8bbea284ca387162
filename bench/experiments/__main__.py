"""Fully nested experiments on the starter's frozen features: ``python -m bench.experiments DATA --pretrained FOLDER``.

``--what heads`` tries other heads, what they are shown and how studies are scored; ``channels`` other inputs, on the
MobileNet alone; ``backbones`` asks why two are hardly better than one. Each outer fold's patients are judged by what was learned, chosen and calibrated without them: the penalty, the
calibration, the weights of the series and every learned study score come from inner folds of the other patients.
The outer folds are the starter's own. Prints tables in Markdown.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.experiments import backbones, channels, levels
from bench.experiments.channels import SHOWN_NOW, mobilenet_features, some_slices, starter_columns
from bench.experiments.features import (
    NEIGHBOURS,
    OWN,
    RELATIVE,
    SHOWN,
    Gram,
    Series,
    Views,
    gram,
    series_of,
    summed,
)
from bench.experiments.heads import Problem, Said, as_they_are, averaged, logistic, support_vectors
from bench.experiments.levels import Fold
from trainer.calibrate import HeldOut, Judged, joined
from trainer.data import Dataset, load_dataset, patient_folds
from trainer.evaluation.bootstrap import patient_weights
from trainer.evaluation.embedding import on_frozen_features
from trainer.evaluation.metrics import STATISTICS, measure
from trainer.evaluation.paired import auc_difference
from trainer.evaluation.subgroups import groups_of, subgroup_rows, taken
from trainer.recipe import Recipe
from trainer.training.activations import KeptActivations
from trainer.training.cross_validation import prepare_training
from trainer.training.stages import EMBEDDING

STARTER: Final = Path(__file__).resolve().parents[2] / "models" / "starter" / "recipe.json"
NOW: Final = "own embedding, logistic regression (the starter)"
_HEADS: Final[Mapping[str, Sequence[str]]] = {
    NOW: (OWN,),
    "minus the series' median": (RELATIVE,),
    "own and minus the median": (OWN, RELATIVE),
    "own and the neighbours' mean (2.5-D)": (OWN, NEIGHBOURS),
}
_SVM: Final = "own, SVM with a Gaussian kernel"
_BOTH_RELATIVE: Final = "heads on own and on minus the median, averaged"
_BOTH_KINDS: Final = "logistic regression and SVM, averaged"


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.experiments", description=__doc__)
    parser.add_argument("data", type=Path, help="the ct-ich folder")
    parser.add_argument("--what", choices=("heads", "channels", "backbones"), default="heads")
    parser.add_argument("--pretrained", type=Path, help="folder of ImageNet weights")
    parser.add_argument("--cache", type=Path, default=Path(".cache/ictus-train"), help="as ictus-train's")
    parser.add_argument(
        "--plain", action="store_true", help="learn from slices as they are: no augmented or painted views"
    )
    options = parser.parse_args()
    recipe = Recipe.model_validate_json(STARTER.read_text(encoding="utf-8"))
    dataset = load_dataset(options.data)
    kept = options.cache / "experiments"
    if options.what == "channels":
        show_channels(dataset, recipe, options.pretrained, kept)
        return 0
    plain_only = options.plain or options.what == "backbones"
    prepared = prepare_training(
        dataset, on_frozen_features(recipe) if plain_only else recipe, 2, options.pretrained, options.cache
    )
    views = views_of(prepared.data.activations, dataset.labels, recipe)
    plain = np.asarray(prepared.data.activations.arrays[0][EMBEDDING], dtype=np.float32)
    if options.what == "heads":
        show_heads(dataset, recipe, views, plain)
    else:
        rows = some_slices(dataset.labels)
        blocks = mobilenet_features(dataset, recipe, options.pretrained, rows, kept)[SHOWN_NOW]
        show_backbones(dataset, recipe, plain, blocks, prepared.network.widths[0])
    return 0


def views_of(activations: KeptActivations, labels: NDArray[np.bool_], recipe: Recipe) -> Views:
    """All views that are kept, weighed as the trainer does."""
    parts = []
    for arrays, places, painted in zip(
        activations.arrays, activations.places, activations.painted, strict=True
    ):
        rows = np.flatnonzero(places >= 0)
        parts.append(
            (
                np.asarray(arrays[EMBEDDING][places[rows]], dtype=np.float32),
                rows,
                np.full(len(rows), True) if painted else labels[rows],
                np.full(len(rows), recipe.training.painted_weight if painted else 1.0),
            )
        )
    return Views(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def show_heads(dataset: Dataset, recipe: Recipe, views: Views, plain: NDArray[np.float32]) -> None:
    """Judge everything and print the tables."""
    folds = patient_folds(dataset, recipe.folds, recipe.seed)
    series = series_of(plain, dataset.patients)
    by_head: dict[str, list[Fold]] = {}
    for fold in range(recipe.folds):
        learned = folds != fold
        problem = Problem(views.of(learned), dataset.labels, dataset.patients, learned, recipe.seed + fold)
        for name, said in heads(problem, plain, series).items():
            by_head.setdefault(name, []).append(_fold(said, problem))
        sys.stderr.write(f"fold {fold + 1} of {recipe.folds}\n")
    slices, studies = judged(by_head, recipe)
    for found, reference in (
        (slices, f"{NOW}, in its series"),
        (studies, f"{NOW}: mean of the 3 highest"),
    ):
        sys.stdout.write(table(found, reference, recipe.seed) + "\n")
    in_order = np.argsort(np.concatenate([np.flatnonzero(folds == fold) for fold in range(recipe.folds)]))
    sys.stdout.write(kinds(dataset, taken(slices[f"{NOW}, in its series"], in_order), recipe.seed) + "\n")


def kinds(dataset: Dataset, found: Judged, seed: int) -> str:
    """ROC-AUC by kind of haemorrhage, each against all slices without one; ``found`` in the data set's order."""
    lines = ["| kind | patients | slices | ROC-AUC |", "| --- | --- | --- | --- |"]
    for row in subgroup_rows(groups_of(dataset), dataset, {"slice": found}, seed):
        auc = next(metric for metric in row.metrics if metric.name == "roc_auc")
        lines.append(
            f"| {row.group} | {row.patients} | {row.strokes} | {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}) |"
        )
    return "\n".join(lines) + "\n"


def show_channels(dataset: Dataset, recipe: Recipe, pretrained: Path | None, kept: Path) -> None:
    """Heads on the MobileNet's last two stages, given each kind of input."""
    rows = some_slices(dataset.labels)
    features = mobilenet_features(dataset, recipe, pretrained, rows, kept)
    columns = starter_columns(recipe)
    found = {name: values[:, columns] for name, values in features.items()}
    show_alone(dataset, recipe, rows, lambda problem: channels.heads(problem, found), SHOWN_NOW)


def show_backbones(
    dataset: Dataset, recipe: Recipe, plain: NDArray[np.float32], blocks: NDArray[np.float32], resnet: int
) -> None:
    """Heads on one backbone and on both, and how alike what they see and how they err are."""
    rows = some_slices(dataset.labels)
    features = {
        backbones.RESNET: plain[rows, :resnet],
        backbones.MOBILENET: plain[rows, resnet:],
        backbones.FINER: blocks,
    }
    said = show_alone(
        dataset, recipe, rows, lambda problem: backbones.heads(problem, features), backbones.BOTH
    )
    folds = patient_folds(dataset, recipe.folds, recipe.seed)[rows]
    lines = backbones.likeness(features, said, dataset.patients[rows], folds)
    sys.stdout.write("\n".join(lines) + "\n")


def show_alone(
    dataset: Dataset,
    recipe: Recipe,
    rows: NDArray[np.int64],
    heads_of: Callable[[Problem], Mapping[str, Said]],
    reference: str,
) -> dict[str, Judged]:
    """Judge some slices by themselves, learned from as they are, and print the table."""
    folds = patient_folds(dataset, recipe.folds, recipe.seed)[rows]
    labels, patients = dataset.labels[rows], dataset.patients[rows]
    parts: dict[str, list[Judged]] = {}
    for fold in range(recipe.folds):
        problem = as_they_are(labels, patients, folds != fold, recipe.seed + fold)
        for name, said in heads_of(problem).items():
            parts.setdefault(name, []).append(levels.as_trained(_fold(said, problem), recipe)["slice"])
    found = {name: joined(own) for name, own in parts.items()}
    sys.stdout.write(table(found, reference, recipe.seed) + "\n")
    return found


def heads(problem: Problem, plain: NDArray[np.float32], series: Series) -> dict[str, Said]:
    """What each head says, from one outer fold's patients."""
    grams: dict[str, Gram] = {what: gram(problem.views, plain, series, what) for what in SHOWN}
    said = {name: logistic(problem, summed(grams, parts)) for name, parts in _HEADS.items()}
    said[_SVM] = support_vectors(problem, grams[OWN])
    said[_BOTH_RELATIVE] = averaged(problem, said[NOW], said["minus the series' median"])
    said[_BOTH_KINDS] = averaged(problem, said[NOW], said[_SVM])
    return said


def judged(
    by_head: Mapping[str, Sequence[Fold]], recipe: Recipe
) -> tuple[dict[str, Judged], dict[str, Judged]]:
    """Every contender's slices and studies, outer folds joined."""
    slices: dict[str, Judged] = {}
    studies: dict[str, Judged] = {}
    for name, folds in by_head.items():
        parts = [levels.as_trained(fold, recipe) for fold in folds]
        slices[name] = joined([part["slice"] for part in parts])
        slices[f"{name}, in its series"] = joined([part["series"] for part in parts])
        studies[f"{name}: mean of the 3 highest"] = joined([part["study"] for part in parts])
    pairs = list(zip(by_head[NOW], by_head["minus the series' median"], by_head[_SVM], strict=True))
    for boosted in (False, True):
        how = "boosted trees" if boosted else "a logistic regression"
        slices[f"the starter's head, in its series by {how}"] = joined(
            [levels.stacked_in_series(pair[:1], recipe, boosted=boosted) for pair in pairs]
        )
        slices[f"own, relative and SVM in their series by {how}"] = joined(
            [levels.stacked_in_series(pair, recipe, boosted=boosted) for pair in pairs]
        )
    by_score = [levels.study_scores(fold, recipe) for fold in by_head[NOW]]
    for name in by_score[0]:
        studies[name] = joined([found[name] for found in by_score])
    return slices, studies


def table(found: Mapping[str, Judged], reference: str, seed: int) -> str:
    """ROC-AUC of each with its interval, and the reference's distance, tested on the same patients."""
    first = found[reference]
    weights = patient_weights(first.patient, first.label, seed)
    lines = ["| what | ROC-AUC | above the starter's way |", "| --- | --- | --- |"]
    for name, own in found.items():
        auc = measure(own, {"roc_auc": STATISTICS["roc_auc"]}, weights)["roc_auc"]
        above = auc_difference("slice", own, first)
        lines.append(
            f"| {name} | {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}) | "
            + (f"{above.value:+.3f} ({above.low:+.3f} to {above.high:+.3f}) |" if own is not first else "- |")
        )
    return "\n".join(lines) + "\n"


def _fold(said: Said, problem: Problem) -> Fold:
    def held(log_odds: NDArray[np.float64], rows: NDArray[np.bool_]) -> HeldOut:
        logits = np.zeros((int(rows.sum()), 2), dtype=np.float32)
        logits[:, 1] = log_odds[rows]
        return HeldOut(logits, problem.labels[rows], problem.patients[rows])

    return Fold(held(said.inner, problem.learned), held(said.outer, ~problem.learned))


if __name__ == "__main__":
    sys.exit(main())
