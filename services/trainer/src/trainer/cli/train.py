"""``ictus-train train``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import DataFolder, DryRun, console, spoken_errors
from trainer.settings import CommandSettings


def train(
    data: DataFolder,
    output: Annotated[
        Path, typer.Argument(help="The model directory to write; one that is there is replaced.")
    ],
    version: Annotated[str, typer.Option(help="Of the model, for example 0.2.0.")],
    name: Annotated[str, typer.Option(help="Of the model.")] = "ictus-starter",
    licence: Annotated[str, typer.Option(help="Under which the weights are given, SPDX.")] = "Apache-2.0",
    recipe: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON of what differs from the standard recipe."),
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Folder of ImageNet weights; else ICTUS_PRETRAINED_DIR, else torch.hub."),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where embeddings are kept between runs.")] = Path(
        ".cache/ictus-train"
    ),
    dry_run: DryRun = False,
) -> None:
    """Cross-validate by patient, fit on all patients, calibrate, export and describe.

    The backbones are frozen: each picture goes through them once and its embedding is kept, so that a second
    run with another head takes minutes. The standard recipe is printed by `--dry-run`; a recipe file holds only
    what differs, for example `{"preprocess": {"size": 256}, "head": {"epochs": 40}}`.
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (torch takes seconds to import)
    from trainer.recipe import Recipe  # noqa: PLC0415

    with spoken_errors():
        chosen = Recipe.model_validate_json(recipe.read_bytes()) if recipe else Recipe()
        dataset = load_dataset(data)
        console.print(
            f"{len(dataset.slices)} slices of {len(set(dataset.patients))} patients, {dataset.labels.sum()} with stroke"
        )
        if dry_run:
            typer.echo(chosen.model_dump_json(indent=2))
            return
        from trainer.build import ModelIdentity, build_model  # noqa: PLC0415

        model = build_model(
            dataset,
            chosen,
            ModelIdentity(name, version, licence, datetime.now(UTC).replace(microsecond=0)),
            pretrained=pretrained or CommandSettings().pretrained_dir,
            cache=cache,
            output=output,
            report=console.print,
        )
    for metric in model.manifest.metrics:
        console.print(
            f"{metric.level:5} {metric.name:24} {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"
        )
    typer.echo(model.sha256)
