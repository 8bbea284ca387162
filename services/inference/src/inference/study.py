"""One input on this machine, a file, a folder or a zip, from disk to answer, with no server at all."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ictus.contracts.prediction import PredictionResult, SeriesPrediction
from ictus.domain.enums import Modality, Priority
from ictus.domain.errors import IntakeError, UnrecognisedFileError
from ictus.domain.ids import new_id
from ictus.imaging.intake import IntakeLimits, IntakeOutcome, IntakeRequest, LeftOut, run_intake
from ictus.imaging.volume import Volume
from inference.artefacts import LoadedModel
from inference.pipeline import Report, SeriesInput, analyse
from inference.results import KeptResults

_EXPECTED_LEFT_OUT: Final = frozenset({"localizer", "duplicate"})
"""Left out on purpose: leaving them out loses nothing that should have been analysed."""


class NoSuchInputError(IntakeError):
    """The path names nothing that can be read."""

    code = "no_such_input"
    title = "There is no such file or folder."


@dataclass(frozen=True, slots=True)
class LocalStudy:
    """An analysed input.

    Attributes:
        study_id: made for this run.
        modality: of the driving series, or of the first one.
        result: the answer.
        pictures: overlays and key slices by key; empty when none were asked for.
        hold_reasons: why a server would hold the study for an administrator, e.g. a burned-in annotation.
        left_out: files of the input that should have been analysed and were not.
    """

    study_id: UUID
    modality: Modality
    result: PredictionResult
    pictures: dict[str, bytes]
    hold_reasons: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def analyse_input(
    path: Path,
    model: LoadedModel,
    *,
    modality: Modality | None,
    uid_key: bytes,
    limits: IntakeLimits,
    with_pictures: bool,
    report: Report,
) -> LocalStudy:
    """Analyse one file, folder of files, or zip.

    Args:
        path: the input; the files of a folder are one study.
        model: what answers.
        modality: what pictures without a header show; None leaves it to the image.
        uid_key: key of the HMAC that replaces DICOM UIDs.
        limits: of the intake.
        with_pictures: whether to draw overlays and key slices.
        report: told of the progress.

    Raises:
        IntakeError: the input cannot be analysed; the subclass says why.
    """
    files = tuple(_files_of(path))
    if not files:
        raise UnrecognisedFileError("The folder holds no files.")
    with tempfile.TemporaryDirectory(prefix="ictus-") as workdir:
        outcome = run_intake(
            IntakeRequest(
                paths=files,
                uid_key=uid_key,
                workdir=Path(workdir),
                declared_modality=modality,
                limits=limits,
            )
        )
        pictures = KeptResults() if with_pictures else None
        result = analyse(model, _inputs(outcome), pictures, report)
    return LocalStudy(
        study_id=new_id(),
        modality=shown_series(result).modality,
        result=result,
        pictures=pictures.objects if pictures else {},
        hold_reasons=outcome.hold_reasons,
        left_out=tuple(item for item in outcome.left_out if item.code not in _EXPECTED_LEFT_OUT),
    )


def shown_series(result: PredictionResult) -> SeriesPrediction:
    """The series that gave the answer, or the first one when none did."""
    return next((s for s in result.series if s.series_id == result.driving_series_id), result.series[0])


def as_json_object(name: str, result: PredictionResult) -> dict[str, Any]:
    """The answer as ``ictus analyze --json`` prints it: the names are the REST API's."""
    return {
        "input": name,
        "finding": result.finding,
        "subtypes": result.subtypes,
        "stroke_probability": result.stroke_probability,
        "confidence": result.confidence,
        "disposition": result.disposition,
        "reason": result.reason,
        "slices": [
            {"index": item.index, "stroke_probability": item.stroke_probability}
            for item in shown_series(result).slices
        ],
        "model_version": result.model_version,
        "validated_for": result.validated_for,
    }


def report_pdf(study: LocalStudy) -> bytes:
    """The study's report. It names no patient: the intake has taken the identity away."""
    from ictus.report import KeySlice, StudyLabels, StudyReport, default_table, render_pdf  # noqa: PLC0415

    series = shown_series(study.result)
    pictured = {item.index: item for item in series.slices if item.plain_key}
    now = datetime.now(UTC)
    return render_pdf(
        StudyReport(
            labels=StudyLabels(
                study_id=study.study_id, modality=study.modality, received_at=now, analysed_at=now
            ),
            result=study.result,
            key_slices=tuple(
                KeySlice(
                    series.series_id,
                    index,
                    study.pictures[pictured[index].plain_key or ""],
                    study.pictures.get(pictured[index].picture_key or ""),
                )
                for index in series.key_slices
                if index in pictured
            ),
            next_steps=default_table().evaluate(study.result, study.modality, Priority.ROUTINE),
        )
    )


def _files_of(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    elif path.is_file():
        yield path
    else:
        raise NoSuchInputError


def _inputs(outcome: IntakeOutcome) -> list[SeriesInput]:
    return [
        SeriesInput(new_id(), series.shape[0], partial(_read_volume, series.volume_path))
        for series in outcome.series
    ]


def _read_volume(path: Path) -> Volume:
    return Volume.from_bytes(path.read_bytes())
