"""``ictus-train cross-validate``."""

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
)
from trainer.settings import command_settings


def cross_validate(
    data: DataFolder,
    recipe: RecipeFile = None,
    output: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="File for what each slice was told by a network that never saw its patient: safetensors with "
            "`logits`, `embedding`, `labels` and `folds`, in the order of patients and slice numbers.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder for `evaluation.json` and `figures/`: every figure with its interval, what each target "
            "sensitivity costs, coverage of the conformal sets, subgroups, charts.",
        ),
    ] = None,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
) -> None:
    """Judge a recipe: train on all but one part of the patients, test on that part, for each part.

    No patient is ever on both sides. Of the patients that are learned from, a fifth decides when training stops;
    calibration and limits are fitted on the other folds. Each fold is kept in `--cache` when it is done, and a fold
    that was killed goes on from its last epoch. `ictus-train train` with the same recipe takes the folds from there.

    Compare two recipes on the same folds:

        ictus-train cross-validate DATA
        echo '{"training": {"frozen_depth": "layer4"}}' > deeper.json
        ictus-train cross-validate DATA --recipe deeper.json
    """
    from trainer.data import load_dataset, patient_folds  # noqa: PLC0415

    with spoken_errors():
        chosen = load_recipe(recipe)
        dataset = load_dataset(data)
        describe_data(dataset, chosen)
        if dry_run:
            typer.echo(chosen.model_dump_json(indent=2))
            return
        from trainer.build import CLASSES, judge_held_out  # noqa: PLC0415
        from trainer.data.checks import require_trainable  # noqa: PLC0415
        from trainer.training.cross_validation import cross_validate as run  # noqa: PLC0415
        from trainer.training.cross_validation import prepare_training, write_out_of_fold  # noqa: PLC0415
        from trainer.training.distributed import launched_ranks  # noqa: PLC0415

        folds = patient_folds(dataset, chosen.folds, chosen.seed)
        require_trainable(dataset, folds, cache=cache / "checks")
        with launched_ranks() as ranks:
            folder = pretrained or command_settings().pretrained_dir
            prepared = prepare_training(dataset, chosen, len(CLASSES), folder, cache, ranks, jobs)
            held_out = run(prepared, folds)
            if not ranks.is_first:
                return
        if output:
            write_out_of_fold(held_out, dataset, output)
        if report:
            from trainer.calibrate import HeldOut  # noqa: PLC0415
            from trainer.evaluation.report import report_across_folds  # noqa: PLC0415

            said = HeldOut(held_out.logits, dataset.labels, dataset.patients)
            report_across_folds(said, held_out.folds, dataset, chosen, data, report)
        console.print(f"Best after {', '.join(map(str, held_out.epochs))} epochs")
        print_metrics(judge_held_out(held_out, dataset, chosen))
