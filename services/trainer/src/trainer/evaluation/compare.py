"""The comparison and the leak in one run each: features, predictions, tests, tables, charts."""

from pathlib import Path

from trainer.data import Dataset, patient_folds
from trainer.evaluation.comparison import Comparison, differences, figures_of, judge_all
from trainer.evaluation.contenders import HYBRID, TITLES, contenders
from trainer.evaluation.embedding import frozen_features
from trainer.evaluation.figures import draw_comparison_set
from trainer.evaluation.leak import LeakReport, show_leak
from trainer.evaluation.learning import learning_curve
from trainer.evaluation.tables import comparison_table, leak_table
from trainer.evaluation.texture import texture_features
from trainer.recipe import Recipe


def compare_and_write(
    dataset: Dataset, recipe: Recipe, pretrained: Path | None, cache: Path, output: Path
) -> str:
    """Compare all contenders on one split by patient, and write ``comparison.json``, ``.md`` and ``figures/``.

    Args:
        dataset: labelled slices.
        recipe: of the hybrid; its parts differ from it in what their head sees only.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder in which features are kept between runs.
        output: folder to write to.

    Returns:
        The tables in Markdown.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        EvaluationError: there are no strokes or no normals.
    """
    data, widths = frozen_features(dataset, recipe, pretrained, cache)
    texture = texture_features([s.path for s in dataset.slices], recipe.preprocess)
    folds = patient_folds(dataset, recipe.folds, recipe.seed)
    logits = {name: run() for name, run in contenders(data, texture, folds, recipe, widths).items()}
    judged = judge_all(logits, dataset.labels, dataset.patients, folds, recipe)
    comparison = Comparison(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        patients=len(set(dataset.patients)),
        slices=len(dataset.slices),
        folds=recipe.folds,
        seed=recipe.seed,
        reference=HYBRID,
        contenders=tuple(figures_of(name, TITLES[name], judged[name], recipe.seed) for name in judged),
        differences=differences(judged, HYBRID, recipe.seed),
        learning_curve=learning_curve(data, folds, recipe, widths),
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
    data, widths = frozen_features(dataset, recipe, pretrained, cache)
    report = show_leak(dataset, data.features, recipe, widths)
    return _write(output, "leak", report, leak_table(report))


def _write(output: Path, name: str, report: Comparison | LeakReport, table: str) -> str:
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (output / f"{name}.md").write_text(table, encoding="utf-8")
    return table
