"""``ictus-train check``."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainer.cli.console import DataFolder, DryRun, console, spoken_errors
from trainer.cli.recipe import load_recipe
from trainer.data.manifest import LabelLevel

if TYPE_CHECKING:
    from trainer.data.checks import CheckReport
    from trainer.data.shortcuts import Baseline, Separation

_COLOURS = {
    "near chance": "green",
    "above chance": "yellow",
    "shortcut": "red",
    "shortcut, carried": "yellow",
}


class Split(StrEnum):
    """Splits by patient that leaks are looked for in."""

    FOLDS = "folds"
    TRAIN_TEST = "train-test"
    TRAIN_VALIDATION_TEST = "train-validation-test"


def check(
    data: DataFolder,
    split: Annotated[
        Split,
        typer.Option(help="Where leaks are looked for: the folds, 80/20, or 70/10/20; always by patient."),
    ] = Split.FOLDS,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation; as the recipe's.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the split and of the baselines; as the recipe's.")] = 20,
    test_set: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="A frozen test set: nothing of it may stand in the data."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A CSV that labels the folder's pictures, before an import."
        ),
    ] = None,
    patient_column: Annotated[str, typer.Option(help="Of --table.")] = "patient",
    number_column: Annotated[str, typer.Option(help="Of --table.")] = "slice_no",
    label_column: Annotated[str, typer.Option(help="Of --table.")] = "slice_ich",
    label_level: Annotated[
        LabelLevel, typer.Option(help="Of --table: does a label speak of its slice or of the patient?")
    ] = LabelLevel.SLICE,
    recipe: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON of a recipe: the baselines look at what its network is given instead of the files.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    dry_run: DryRun = False,
) -> None:
    r"""Ask whether a data set may be trained on. Exit code 0 when it may, 1 when a run would stop.

    `ictus-train train` asks the same questions under its own folds:

    - **Files**: is every one there and, where there is a `dataset.json`, unchanged?

    - **Anonymity**: do file names, pseudonyms, EXIF blocks or texts in pictures say who a patient is? Values are
    never printed.

    - **Leakage**: does a patient, a file or a near duplicate of a picture (perceptual hash, confirmed by correlation)
    stand in two parts of the split, or in the frozen test set?

    - **Shortcuts**: can trees that see no anatomy (grey-level histogram, sharpness, borders, file traits, the picture
    with the brain blanked) tell the classes apart? The area under their ROC curve must stay near 0.5. A data set whose
    manifest carries the finding, with its reason, may pass: see `ictus-train import --known-shortcut`.

    For example:

        ictus-train check ../data/ct-ich
        ictus-train check ../data/mri-stroke --table ../data/mri-stroke/labels.csv --label-column label \
            --patient-column group_guess --number-column number --label-level patient
        echo '{"preprocess": {"harmonise": {}}}' > mr.json && ictus-train check datasets/mri-1 --recipe mr.json
        ictus-train check datasets/ct-ich-1 --test-set datasets/other-hospital-1 --json > report.json
    """
    from trainer.data import load_dataset, patient_folds  # noqa: PLC0415 (scikit-learn takes seconds to import)
    from trainer.data.load import load_folder  # noqa: PLC0415
    from trainer.data.table import Columns  # noqa: PLC0415

    with spoken_errors():
        if table is None:
            dataset = load_dataset(data)
        else:
            columns = Columns(patient=patient_column, number=number_column, label=label_column)
            dataset = load_folder(data, table, columns, label_level)
        frozen = load_dataset(test_set) if test_set else None
        assigned = patient_folds(dataset, folds, seed)
        console.print(
            f"{dataset.name}: {len(dataset.slices)} slices of {len(set(dataset.patients))} patients, "
            f"{dataset.labels.sum()} with stroke; files are complete",
            markup=False,
        )
        if dry_run:
            console.print(
                f"Would look for identities, for leaks across {split}, and for shortcuts in {folds} folds."
            )
            return
        from trainer.data.checks import check_dataset  # noqa: PLC0415
        from trainer.data.splits import TRAIN_TEST, TRAIN_VALIDATION_TEST, patient_parts  # noqa: PLC0415

        given = None if recipe is None else load_recipe(recipe).preprocess
        parts = None
        if split is not Split.FOLDS:
            shares = TRAIN_TEST if split is Split.TRAIN_TEST else TRAIN_VALIDATION_TEST
            parts = patient_parts(dataset, shares, seed)
        report = check_dataset(dataset, assigned, parts=parts, frozen=frozen, given=given, seed=seed)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_report(report, Console(soft_wrap=True))
    if report.stops:
        sys.exit(1)


def print_report(report: "CheckReport", out: Console) -> None:
    """The report as tables for people."""
    _print_findings(report, out)
    table = Table(
        title="Baselines that see no anatomy: AUC (95 % interval over patients)", title_justify="left"
    )
    for column in ("baseline", "as labelled", "by patient", "without lesion", "by patient", "verdict"):
        table.add_column(column)
    for baseline in report.baselines:
        colour = _COLOURS[baseline.verdict]
        table.add_row(
            baseline.name,
            *_cells(baseline, baseline.as_labelled, "as labelled"),
            *_cells(baseline, baseline.without_lesion, "without lesion"),
            f"[{colour}]{baseline.verdict}[/]",
        )
    out.print(table)
    out.print(
        "Bold: what the verdict goes by. Without lesion: slices that show nothing, by their patient's label."
    )
    if report.stops:
        out.print("[red]A run on this data stops:[/]")
        for reason in report.stops:
            out.print(f"- {escape(reason)}", highlight=False)
    else:
        out.print("[green]A run on this data may start.[/]")


def _print_findings(report: "CheckReport", out: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("anonymity", "; ".join(f"{t.kind} ({t.count})" for t in report.identity) or "nothing found")
    across = sum(leak.stops for leak in report.leaks)
    table.add_row("leakage", f"{across} across parts" if across else "nothing across parts")
    if len(report.leaks) > across:
        table.add_row(
            "",
            f"{len(report.leaks) - across} duplicates under two pseudonyms within one part: the same person?",
        )
    out.print(table)


def _cells(baseline: "Baseline", found: "Separation | None", comparison: str) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    shown = f"{found.auc:.3f} ({found.low:.3f} to {found.high:.3f})"
    pooled = "-"
    if found.pooled_auc is not None:
        pooled = f"{found.pooled_auc:.3f} ({found.pooled_low:.3f} to {found.pooled_high:.3f})"
    return (f"[bold]{shown}[/]" if baseline.judged == comparison else shown), pooled
