"""``ictus-train compare`` and ``ictus-train show-leak``."""

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import DataFolder, DryRun, console, spoken_errors
from trainer.cli.recipe import CACHE, Cache, Pretrained, RecipeFile, describe_data, load_recipe
from trainer.settings import command_settings

OutputFolder = Annotated[Path, typer.Argument(help="Folder to write to; made when absent.")]


def compare(
    data: DataFolder,
    output: OutputFolder,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            exists=True,
            dir_okay=False,
            help="A file that `ictus-train cross-validate --output` wrote, to compare as well; may be repeated.",
        ),
    ] = None,
    learning: Annotated[
        bool,
        typer.Option(
            "--learning-curve/--no-learning-curve",
            help="Fit the hybrid on growing shares of the patients too; half of the command's time.",
        ),
    ] = True,
    recipe: RecipeFile = None,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    dry_run: DryRun = False,
) -> None:
    """Hold the hybrid against its parts and against classic classifiers, on the same folds of patients.

    Contenders: features of both backbones concatenated (the hybrid) or averaged, ResNet alone, MobileNet alone,
    SVM and random forest on the same frozen features, and both on texture (co-occurrence, local binary patterns,
    grey levels). All see the slices as they are and ImageNet backbones that learn nothing. Each difference is tested on the same patients: ROC-AUC by DeLong's test for clustered data, the
    other figures by resampling patients; p-values are also given adjusted for all the tests of a figure (Holm).

    Writes `comparison.json`, `comparison.md` and charts, among them the hybrid's learning curve:

        ictus-train compare ../data/ct-ich reports/comparison --pretrained ../data/imagenet

    A recipe that trains the backbones too is compared by its cross-validation on the same folds:

        ictus-train cross-validate ../data/ct-ich --recipe deeper.json --output deeper.safetensors
        ictus-train compare ../data/ct-ich reports/comparison --with deeper.safetensors
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (torch takes seconds to import)
    from trainer.evaluation.contenders import TITLES  # noqa: PLC0415

    with spoken_errors():
        chosen = load_recipe(recipe)
        dataset = load_dataset(data)
        describe_data(dataset, chosen)
        console.print(f"Contenders: {', '.join(TITLES.values())}")
        if dry_run:
            return
        from trainer.evaluation.compare import compare_and_write  # noqa: PLC0415

        folder = pretrained or command_settings().pretrained_dir
        table = compare_and_write(dataset, chosen, folder, cache, output, others or (), learning=learning)
    typer.echo(table)


def show_leak(
    data: DataFolder,
    output: OutputFolder,
    recipe: RecipeFile = None,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    dry_run: DryRun = False,
) -> None:
    """Show why near-100 % results on the folder labels of ct-ich say nothing about strokes.

    The same model is judged six times: on the folders' labels, on labels drawn by lot for each patient, and on the
    true slice labels, each with a random split of slices and with a split by patient. Writes `leak.json` and
    `leak.md`; docs/leak.md tells what it means.

        ictus-train show-leak ../data/ct-ich reports/leak --pretrained ../data/imagenet
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (torch takes seconds to import)

    with spoken_errors():
        chosen = load_recipe(recipe)
        dataset = load_dataset(data)
        describe_data(dataset, chosen)
        if dry_run:
            return
        from trainer.evaluation.compare import show_leak_and_write  # noqa: PLC0415

        folder = pretrained or command_settings().pretrained_dir
        table = show_leak_and_write(dataset, chosen, folder, cache, output)
    typer.echo(table)
