"""``ictus-train evaluate``."""

import json
from typing import Annotated

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import DataFolder, ModelFolder, spoken_errors


def evaluate(
    model: ModelFolder,
    data: DataFolder,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Run a model's graph over labelled slices it has not seen, and print the figures as JSON.

    Calibration and limits are the manifest's. Slices of the training set give figures that mean nothing.
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (scikit-learn takes seconds to import)
    from trainer.evaluation import evaluate_directory  # noqa: PLC0415

    with spoken_errors():
        metrics = evaluate_directory(load_model_directory(model), load_dataset(data), seed)
    typer.echo(json.dumps([metric.model_dump() for metric in metrics], indent=2))
