"""What the commands that train share: recipe, ImageNet weights, cache, and what a dry run says."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from trainer.cli.console import console
from trainer.settings import command_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ictus.model.manifest import Metric
    from trainer.data import Dataset
    from trainer.recipe import Recipe

RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe", exists=True, dir_okay=False, help="JSON of what differs from the standard recipe."
    ),
]
Pretrained = Annotated[
    Path | None,
    typer.Option(help="Folder of ImageNet weights; else ICTUS_PRETRAINED_DIR, else torch.hub."),
]
Cache = Annotated[
    Path, typer.Option(help="Where frozen activations, results and checkpoints are kept between runs.")
]
Jobs = Annotated[
    int,
    typer.Option(
        min=1, help="Folds trained side by side, each with its share of the cores; not with torchrun."
    ),
]
CACHE: Final = Path(".cache/ictus-train")


def load_recipe(file: Path | None) -> "Recipe":
    """The standard recipe with what a file says otherwise.

    Raises:
        typer.BadParameter: the file is no JSON object.
        pydantic.ValidationError: the object is not a recipe.
    """
    from trainer.recipe import Recipe  # noqa: PLC0415

    if file is None:
        return Recipe()
    try:
        changes = json.loads(file.read_bytes())
    except ValueError as error:
        raise typer.BadParameter(f"{file} is no JSON: {error}") from error
    if not isinstance(changes, dict):
        raise typer.BadParameter(f"{file} must hold one JSON object.")
    return Recipe().changed(changes)


def weights_folder(pretrained: Path | None) -> Path | None:
    """The folder of ImageNet weights that was named, here or in the environment; None asks torch.hub."""
    return pretrained or command_settings().pretrained_dir


def describe_data(dataset: "Dataset", recipe: "Recipe") -> "NDArray[np.int64]":
    """Say what is at hand and how the folds cut it: (n,) the fold that each slice is held out in."""
    from trainer.data import patient_folds  # noqa: PLC0415

    console.print(
        f"{len(dataset.slices)} slices of {len(set(dataset.patients))} patients, "
        f"{dataset.labels.sum()} with stroke"
    )
    folds = patient_folds(dataset, recipe.folds, recipe.seed)
    for fold in range(recipe.folds):
        held_out = folds == fold
        console.print(
            f"  fold {fold + 1}: {held_out.sum()} slices of {len(np.unique(dataset.patients[held_out]))} patients, "
            f"{dataset.labels[held_out].sum()} with stroke"
        )
    return folds


def print_metrics(metrics: "Iterable[Metric]") -> None:
    """Figures with their intervals, one a line, on standard output."""
    for metric in metrics:
        typer.echo(
            f"{metric.level:5} {metric.name:24} {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"
        )
