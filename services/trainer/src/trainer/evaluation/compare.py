"""The comparison and the leak in one run each: features, predictions, tests, tables, charts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from trainer.data import Dataset, patient_folds
from trainer.evaluation.bootstrap import EvaluationError
from trainer.evaluation.comparison import Comparison, differences, figures_of, judge_all
from trainer.evaluation.contenders import HYBRID, TITLES, contenders
from trainer.evaluation.embedding import frozen_features, on_frozen_features
from trainer.evaluation.figures import draw_comparison_set
from trainer.evaluation.leak import LeakReport, show_leak
from trainer.evaluation.learning import learning_curve
from trainer.evaluation.tables import comparison_table, leak_table
from trainer.evaluation.texture import texture_features
from trainer.recipe import Recipe


def compare_and_write(
    dataset: Dataset,
    recipe: Recipe,
    pretrained: Path | None,
    cache: Path,
    output: Path,
    others: Sequence[Path] = (),
    *,
    learning: bool = True,
) -> str:
    """Compare all contenders on one split by patient, and write ``comparison.json``, ``.md`` and ``figures/``.

    Args:
        dataset: labelled slices.
        recipe: of the hybrid; its parts differ from it in what their head sees only.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder in which features are kept between runs.
        output: folder to write to.
        others: what ``cross-validate`` wrote of other recipes on the same folds; each is named after its file.
        learning: whether the hybrid's learning curve is made too.

    Returns:
        The tables in Markdown.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        EvaluationError: there are no strokes or no normals, or a file is of other data or other folds.
    """
    recipe = on_frozen_features(recipe)
    data, widths = frozen_features(dataset, recipe, pretrained, cache)
    texture = texture_features([s.path for s in dataset.slices], recipe.preprocess)
    folds = patient_folds(dataset, recipe.folds, recipe.seed)
    logits = {name: run() for name, run in contenders(data, texture, folds, recipe, widths).items()}
    logits |= {file.stem: out_of_fold(file, dataset, folds) for file in others}
    judged = judge_all(logits, dataset.labels, dataset.patients, folds, recipe)
    comparison = Comparison(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        patients=len(set(dataset.patients)),
        slices=len(dataset.slices),
        folds=recipe.folds,
        seed=recipe.seed,
        reference=HYBRID,
        contenders=tuple(
            figures_of(name, TITLES.get(name, name), judged[name], recipe.seed) for name in judged
        ),
        differences=differences(judged, HYBRID, recipe.seed),
        learning_curve=learning_curve(data, folds, recipe, widths) if learning else (),
    )
    draw_comparison_set(comparison, output / "figures")
    return _write(output, "comparison", comparison, comparison_table(comparison))


def show_leak_and_write(
    dataset: Dataset, recipe: Recipe, pretrained: Path | None, cache: Path, output: Path
) -> str:
    """Show the leak, and write ``leak.json`` and ``leak.md``.

    Args:
        dataset: labelled slices in folders by label.
        recipe: head, folds and seed.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder in which features are kept between runs.
        output: folder to write to.

    Returns:
        The table in Markdown.

    Raises:
        DatasetError: the pictures do not lie in folders by label.
        PretrainedWeightsError: the ImageNet weights do not fit.
    """
    recipe = on_frozen_features(recipe)
    data, widths = frozen_features(dataset, recipe, pretrained, cache)
    report = show_leak(dataset, data.features, recipe, widths)
    return _write(output, "leak", report, leak_table(report))


def out_of_fold(file: Path, dataset: Dataset, folds: NDArray[np.int64]) -> NDArray[np.float32]:
    """The logits that ``cross-validate`` wrote.

    Raises:
        EvaluationError: they are of other data or other folds.
    """
    with safe_open(file, "numpy") as kept:
        same_data = kept.metadata()["dataset"] == dataset.sha256
        if not same_data or not np.array_equal(kept.get_tensor("folds"), folds):
            raise EvaluationError(
                f"{file.name} is of other data or other folds, so it cannot be compared here."
            )
        logits: NDArray[np.float32] = kept.get_tensor("logits")
    return logits


def _write(output: Path, name: str, report: Comparison | LeakReport, table: str) -> str:
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (output / f"{name}.md").write_text(table, encoding="utf-8")
    return table
