"""``ictus analyze``: the worker's pipeline on a laptop, with no server and no network."""

import json
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ictus.domain.enums import Modality, Stage
from ictus.domain.errors import IctusError
from ictus.imaging.intake import IntakeLimits
from inference.artefacts import LoadedModel, load_model
from inference.settings import CommandSettings
from inference.study import LocalStudy, analyse_input, as_json_object, report_pdf, shown_series

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # it prints local variables
    help="Ictus: supports the reading of brain scans.",
)
_errors = Console(stderr=True, soft_wrap=True)
_STARTER = Path(__file__).resolve().parents[4] / "models" / "starter"
_NOT_EVERYTHING = 1
_NOT_READY = 2


@app.callback()
def commands() -> None:
    """Supports the reading of brain scans; a clinician decides."""


@app.command()
def analyze(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files, folders of DICOM slices, or zips.")
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write a PDF report here; a number is added per further input.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per study and line.")
    ] = False,
    modality: Annotated[
        str | None, typer.Option(metavar="CT|MR", help="What pictures without a header show.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Model directory; else ICTUS_MODEL_DIR, else the starter model.")
    ] = None,
) -> None:
    """Analyse brain scans on this machine. Exit code 0 only when every input was analysed."""
    declared = _modality(modality)
    loaded = _load(model)
    complete = True
    for number, path in enumerate(paths):
        study = _analyse(path, loaded, declared, with_pictures=report is not None)
        if study is None:
            complete = False
            continue
        complete = complete and not study.left_out
        if as_json:
            sys.stdout.write(json.dumps(as_json_object(str(path), study.result), allow_nan=False) + "\n")
            sys.stdout.flush()
        else:
            _print(path, study)
        if report is not None:
            complete = _write_report(study, _numbered(report, number)) and complete
    raise typer.Exit(0 if complete else _NOT_EVERYTHING)


def _modality(stated: str | None) -> Modality | None:
    if stated is None:
        return None
    try:
        return {"CT": Modality.CT, "MR": Modality.MR}[stated.upper()]
    except KeyError:
        raise typer.BadParameter("give CT or MR", param_hint="--modality") from None


def _load(chosen: Path | None) -> LoadedModel:
    settings = CommandSettings()
    folder = chosen or settings.model_dir or _STARTER
    try:
        return load_model(folder, settings.engine)
    except IctusError as error:
        _errors.print(f"[red]{escape(str(folder))}:[/] {error.detail}", highlight=False)
        raise typer.Exit(_NOT_READY) from None


def _analyse(
    path: Path, model: LoadedModel, modality: Modality | None, *, with_pictures: bool
) -> LocalStudy | None:
    """Analyse one input with a progress bar; None when it could not be, which is said on standard error."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_errors,
        transient=True,
        disable=not _errors.is_terminal,
    ) as progress:
        task = progress.add_task(f"{escape(path.name)}: reading", total=None)

        def show(stage: Stage, done: int = 0, total: int = 0) -> None:
            progress.update(
                task, description=f"{escape(path.name)}: {stage}", completed=done, total=total or None
            )

        try:
            study = analyse_input(
                path,
                model,
                modality=modality,
                uid_key=secrets.token_bytes(32),
                limits=IntakeLimits(),
                with_pictures=with_pictures,
                report=show,
            )
        except IctusError as error:
            _errors.print(f"[red]{escape(str(path))}:[/] {error.detail}", highlight=False)
            return None
    for item in study.left_out:
        _errors.print(
            f"[yellow]{escape(str(path))}:[/] file {item.name_index + 1} left out: {item.detail}",
            highlight=False,
        )
    for reason in study.hold_reasons:
        _errors.print(
            f"[yellow]{escape(str(path))}:[/] the pictures may show who the patient is ({reason})",
            highlight=False,
        )
    return study


def _print(path: Path, study: LocalStudy) -> None:
    result = study.result
    table = Table(
        title=escape(str(path)), title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    table.add_row("Answer", result.finding_text)
    table.add_row("Disposition", f"{result.disposition}: {result.reason}")
    if result.stroke_probability is not None:
        table.add_row("Probability", f"{result.stroke_probability:.0%} for {result.looked_for}")
    if result.confidence is not None:
        table.add_row("Confidence", f"{result.confidence:.0%}")
    if key_slices := shown_series(result).key_slices:
        table.add_row("Slices", ", ".join(str(index + 1) for index in key_slices))
    table.add_row("Model", f"{result.model_version}; {result.validated_for}")
    Console(soft_wrap=True).print(table)


def _numbered(report: Path, number: int) -> Path:
    return report if number == 0 else report.with_stem(f"{report.stem}-{number + 1}")


def _write_report(study: LocalStudy, target: Path) -> bool:
    try:
        target.write_bytes(report_pdf(study))
    except OSError as error:
        _errors.print(
            f"[red]{escape(str(target))}:[/] the report could not be written: {error.strerror}",
            highlight=False,
        )
        return False
    return True
