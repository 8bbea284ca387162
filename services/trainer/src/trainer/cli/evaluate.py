"""``ictus-train evaluate``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import DataFolder, DryRun, ModelFolder, console, spoken_errors


def evaluate(
    model: ModelFolder,
    data: DataFolder,
    output: Annotated[
        Path | None, typer.Option(help="Folder for `evaluation.json` and `figures/`; made when absent.")
    ] = None,
    robustness: Annotated[
        int,
        typer.Option(
            min=0,
            help="Judge the slices of so many patients again with noise, another window, turned, coarser and "
            "compressed: 17 times over. 0 leaves it out.",
        ),
    ] = 0,
    held_back: Annotated[
        bool,
        typer.Option(
            "--test-set",
            help="Judge only the patients that the model's own recipe holds back; DATA is what it was trained on.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap, the noise and the choice of patients.")] = 0,
    dry_run: DryRun = False,
) -> None:
    """Run a model's graph over labelled slices it has not seen, and print the figures as JSON.

    Calibration and limits are the manifest's. Slices of the training set give figures that mean nothing. Every
    figure has a 95 % interval from 1,000 resamples of patients, because slices of one patient are alike.

    With `--output` the whole report is written: figures at slice and study level and of slices in the light of their series, the confusion matrix, what each
    target sensitivity costs in specificity, how the conformal sets covered each finding and how many went to
    readers, figures by age, sex and kind of haemorrhage where the data set's tables say them, and charts as SVG
    and PNG:

        ictus-train evaluate models/next ../data/other-hospital --output reports/next --robustness 20

    The patients of its own data set that a model has never learned from are few, but there always:

        ictus-train evaluate models/next ../data/ct-ich --test-set --output reports/test-set
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (scikit-learn takes seconds to import)

    with spoken_errors():
        directory, dataset = load_model_directory(model), load_dataset(data)
        if held_back:
            from trainer.build import test_set_of  # noqa: PLC0415 (torch takes seconds to import)

            dataset = test_set_of(directory, dataset)
        console.print(
            f"{directory.manifest.name} {directory.manifest.version} on {len(dataset.slices)} slices of "
            f"{len(set(dataset.patients))} patients, {dataset.labels.sum()} with stroke"
        )
        if dry_run:
            console.print(f"Would write to {output}." if output else "Would write no file.", markup=False)
            return
        from trainer.evaluation.report import evaluate_fully  # noqa: PLC0415

        report = evaluate_fully(directory, dataset, robustness, seed, output)
    metrics = [metric.model_dump() for level in report.levels for metric in level.metrics]
    metrics += [metric.model_dump() for metric in report.in_series]
    typer.echo(json.dumps(metrics, indent=2))
