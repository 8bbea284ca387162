"""``ictus-train suitability``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ictus.model.manifest import load_model_directory
from trainer.card import RECIPE_FILE
from trainer.cli.console import DryRun, ModelFolder, console, spoken_errors
from trainer.cli.recipe import load_recipe

if TYPE_CHECKING:
    from trainer.evaluation.suitability import KindRow, SuitabilityReport


def suitability(
    model: ModelFolder,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Head CT: the data set that the model was trained on."
        ),
    ] = None,
    not_head: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of further pictures that are no head CT."),
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Fit the check to --data first; the directory is changed.")
    ] = False,
    strangers: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="With --fit: folder of scans of other things than head CT (DICOM, NIfTI, pictures) to learn from.",
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder to keep embeddings in, for a second fit.")
    ] = None,
    fit_slices: Annotated[int, typer.Option(min=100, help="Slices that are fitted to at most.")] = 1500,
    slices: Annotated[int, typer.Option(min=1, help="Head CT slices that are asked about at most.")] = 150,
    measure: Annotated[bool, typer.Option(help="Ask the model about the pictures.")] = True,
    seed: Annotated[int, typer.Option(help="Of the drawn pictures and the choice of slices.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Ask a model about pictures that are no head CT, and about head CT as other sites export it.

    The pictures: drawn ones (noise, gradients, shapes, text, charts, blank pages, heads upside down and in colour),
    those that the installed packages carry and that were kept aside, and those of `--not-head`. They must be
    unsuitable; brain MR must be not validated. Head CT slices come from patients of the frozen test set, who neither
    the network nor the check has learned from; at most 1 % of them, in whatever window, resolution or crop, may be
    refused.

    `--fit` fits the whole check anew, for new weights too: the distance from the training slices (the nearest of them
    or Mahalanobis, by cross-validation by patient), the line between head CT and other things (the development half of
    what packages carry, drawn pictures, `--strangers`), and which way up a head lies (docs/decisions/0088):

        ictus-train suitability models/next --data ../data/ct-ich --not-head ../data/not-brain --fit
            --strangers ../data/samples/mr_dicom --strangers ../data/samples/mr_nifti
    """
    with spoken_errors():
        directory = load_model_directory(model)
        console.print(f"{directory.manifest.name} {directory.manifest.version}")
        if fit and data is None:
            raise typer.BadParameter("--fit needs --data", param_hint="--fit")
        if dry_run:
            console.print(f"Would fit to {data}." if fit else "Would change nothing.", markup=False)
            return
        import numpy as np  # noqa: PLC0415 (scikit-learn and torch take seconds to import)

        from trainer.build import frozen_test_set  # noqa: PLC0415
        from trainer.data import load_dataset  # noqa: PLC0415
        from trainer.evaluation.suitability import (  # noqa: PLC0415
            measure_suitability,
            pictures_in,
            pictures_of_scans,
        )
        from trainer.evaluation.unsuitable import carried_pictures, drawn_pictures  # noqa: PLC0415
        from trainer.suitability_refit import refit_suitability  # noqa: PLC0415
        from trainer.suitability_told import told  # noqa: PLC0415

        dataset = load_dataset(data) if data else None
        kept = model / RECIPE_FILE
        recipe = load_recipe(kept if kept.is_file() else None)
        if fit and dataset is not None:
            directory = refit_suitability(
                directory,
                dataset,
                recipe,
                fit_slices,
                lambda step: console.print(step, markup=False),
                strangers=[one for folder in strangers or () for one in pictures_of_scans(folder)],
                cache=cache,
            )
        console.print(told(directory.manifest.suitability), markup=False)
        if not measure:
            return
        rows = np.zeros(0, dtype=np.int64)
        if dataset is not None:
            rows = np.flatnonzero(frozen_test_set(dataset, recipe))
            rows = np.sort(np.random.default_rng(seed).permutation(rows)[:slices])
        asked = [*drawn_pictures(seed), *carried_pictures(), *(pictures_in(not_head) if not_head else ())]
        report = measure_suitability(directory, dataset, rows, asked, seed)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _print(report, Console(soft_wrap=True))


def _print(report: "SuitabilityReport", out: Console) -> None:
    _print_rows("Must be unsuitable", report.to_refuse, out)
    _print_rows("Upside down: should be unsuitable", report.turned, out)
    _print_rows("Brain MR: must be not validated", report.mr, out)
    _print_rows("Head CT: must be answered", report.head_ct, out)
    out.print(
        f"unsuitable {report.refused_share:.2%} of {sum(row.pictures for row in report.to_refuse)}; findings on what is "
        f"no head CT: {report.answered}; head CT refused {report.heads_refused_share:.2%} of "
        f"{sum(row.pictures for row in report.head_ct)}"
    )


def _print_rows(title: str, rows: tuple["KindRow", ...], out: Console) -> None:
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for column in ("kind", "pictures", "unsuitable", "not validated", "uncertain", "confident", "wrong"):
        table.add_column(column)
    for row in rows:
        figures = (row.pictures, row.unsuitable, row.not_validated, row.uncertain, row.confident)
        table.add_row(row.kind, *(str(figure) for figure in figures), "; ".join(row.examples))
    out.print(table)
