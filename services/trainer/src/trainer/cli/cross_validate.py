"""``ictus-train cross-validate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from trainer.training.pooling_params import Pooling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trainer.data import Dataset
    from trainer.recipe import Recipe


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
    pooling: Annotated[
        Pooling | None,
        typer.Option(
            help="For labels of patients: score slices with a head on MobileNet's frozen features and hold only "
            "what is pooled of a patient against the label."
        ),
    ] = None,
    most_slices: Annotated[
        int, typer.Option(min=1, help="With --pooling: of each series of a patient, evenly spread.")
    ] = 4,
    maps: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="With --pooling: PNG of where held-out heads looked, on 16 stroke patients drawn by lot.",
        ),
    ] = None,
    pretrained: Pretrained = None,
    cache: Cache = CACHE,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
) -> None:
    """Judge a recipe: train on all but one part of the patients, test on that part, for each part.

    No patient is ever on both sides. Of the patients that are learned from, a fifth decides when training stops,
    unless the recipe monitors the training loss; calibration and limits are fitted on the other folds. Each fold is kept in `--cache` when it is done, and a fold
    that was killed goes on from its last epoch. `ictus-train train` with the same recipe takes the folds from there.

    Compare two recipes on the same folds:

        ictus-train cross-validate DATA
        echo '{"training": {"frozen_depth": "layer4"}}' > deeper.json
        ictus-train cross-validate DATA --recipe deeper.json

    Where labels are of patients, and slices are levelled because of how they were exported:

        echo '{"preprocess": {"harmonise": {}}}' > mr.json
        ictus-train cross-validate datasets/mri-1 --recipe mr.json --pooling top --maps looked.png
    """
    from trainer.data import load_dataset  # noqa: PLC0415

    with spoken_errors():
        chosen = load_recipe(recipe)
        dataset = load_dataset(data)
        folds = describe_data(dataset, chosen)
        if dry_run:
            typer.echo(chosen.model_dump_json(indent=2))
            return
        from trainer.build import CLASSES, judge_held_out  # noqa: PLC0415
        from trainer.data.checks import require_trainable  # noqa: PLC0415
        from trainer.training.cross_validation import cross_validate as run  # noqa: PLC0415
        from trainer.training.cross_validation import prepare_training, write_out_of_fold  # noqa: PLC0415
        from trainer.training.distributed import launched_ranks  # noqa: PLC0415

        given = chosen.preprocess if chosen.preprocess.harmonise else None
        require_trainable(dataset, folds, given=given, cache=cache / "checks")
        if pooling is not None:
            _judge_patients(dataset, folds, chosen, pooling, most_slices, maps, pretrained, cache)
            return
        with launched_ranks() as ranks:
            folder = weights_folder(pretrained)
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
            report_across_folds(said, held_out.folds, dataset, chosen, report)
        console.print(f"Best after {', '.join(map(str, held_out.epochs))} epochs")
        print_metrics(judge_held_out(held_out, dataset, chosen))


def _judge_patients(
    dataset: "Dataset",
    folds: "NDArray[np.int64]",
    recipe: "Recipe",
    pooling: Pooling,
    most: int,
    maps: Path | None,
    pretrained: Path | None,
    cache: Path,
) -> None:
    from trainer.evaluation.held_out_maps import draw_held_out_maps  # noqa: PLC0415
    from trainer.training.patient_level import WHOLE, judge_series  # noqa: PLC0415
    from trainer.training.pooling_params import PoolingParams  # noqa: PLC0415

    folder = weights_folder(pretrained)
    judged = judge_series(dataset, folds, recipe, PoolingParams(pooling=pooling), most, folder, cache)
    for one in judged:
        names, labels = one.bags.by_patient()
        typer.echo(
            f"series {one.name}: patient AUC {one.auc.value:.3f} ({one.auc.low:.3f} to {one.auc.high:.3f}), "
            f"{len(names)} patients, {labels.sum()} with stroke, {len(one.rows)} slices"
        )
        if one.whole_auc is not None:
            typer.echo(
                f"  with {WHOLE} slices or more: {one.whole_auc.value:.3f} ({one.whole_auc.low:.3f} to "
                f"{one.whole_auc.high:.3f}), {one.whole[0]} patients, {one.whole[1]} with stroke"
            )
    if maps is not None:
        console.print(str(draw_held_out_maps(judged[-1], dataset, recipe, maps)), markup=False)
