"""``ictus-train train``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import DataFolder, DryRun, console, spoken_errors
from trainer.cli.recipe import (
    CACHE,
    Cache,
    Jobs,
    Pretrained,
    RecipeFile,
    describe_data,
    load_recipe,
    print_metrics,
    weights_folder,
)


def train(
    data: DataFolder,
    output: Annotated[
        Path, typer.Argument(help="The model directory to write; one that is there is replaced.")
    ],
    version: Annotated[str, typer.Option(help="Of the model, for example 0.2.0.")],
    name: Annotated[str, typer.Option(help="Of the model.")] = "ictus-starter",
    licence: Annotated[str, typer.Option(help="Under which the weights are given, SPDX.")] = "Apache-2.0",
    recipe: RecipeFile = None,
    test_set: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Text file of the patients that the released model must never learn from, one pseudonym a line; "
            "without it the recipe draws a share by lot. The recipe keeps digests of them.",
        ),
    ] = None,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
) -> None:
    """Cross-validate by patient, fit on all patients but a frozen test set, calibrate, export and describe.

    The frozen part of the network sees each view of each picture once and its output is kept in `--cache`, so a
    second run with other rates or another head takes minutes. A run that was killed goes on where it was: start
    it again with the same arguments. The standard recipe is printed by `--dry-run`; a recipe file holds only
    what differs, for example

        {"preprocess": {"size": 256}, "training": {"frozen_depth": "layer4", "epochs": 12}}

    Several processes share the work when torch starts them:

        torchrun --nproc-per-node 2 -m trainer.cli train DATA OUTPUT --version 0.2.0
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (torch takes seconds to import)

    with spoken_errors():
        chosen = load_recipe(recipe)
        dataset = load_dataset(data)
        if test_set:
            from trainer.data.splits import read_test_patients  # noqa: PLC0415

            chosen = chosen.changed({"test_patients": read_test_patients(test_set, dataset)})
        describe_data(dataset, chosen)
        if dry_run:
            typer.echo(chosen.model_dump_json(indent=2))
            return
        from trainer.build import ModelIdentity, train_network, write_model  # noqa: PLC0415
        from trainer.training.distributed import launched_ranks  # noqa: PLC0415

        with launched_ranks() as ranks:
            folder = weights_folder(pretrained)
            trained = train_network(dataset, chosen, folder, cache, console.print, ranks, jobs)
            if not ranks.is_first:
                return
        identity = ModelIdentity(name, version, licence, datetime.now(UTC).replace(microsecond=0))
        model = write_model(trained, dataset, chosen, identity, output, console.print)
    print_metrics(model.manifest.metrics)
    typer.echo(model.sha256)
