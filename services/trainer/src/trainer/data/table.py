"""The CSV that labels a folder: any column names, told by the caller.

Kinds of haemorrhage that the table does not tell are read from ``hemorrhage_diagnosis.csv`` beside it, as ct-ich has it.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, cast

from trainer.data.dataset import DatasetError
from trainer.data.manifest import OLDEST_AGE

_STROKE: Final = frozenset({"1", "true", "yes", "stroke"})
_NORMAL: Final = frozenset({"0", "false", "no", "normal"})
_SEXES: Final = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O"}
_AGE_UNITS: Final = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}

DIAGNOSES_FILE: Final = "hemorrhage_diagnosis.csv"
_KINDS: Final = ("Intraventricular", "Intraparenchymal", "Subarachnoid", "Epidural", "Subdural")

Sex = Literal["F", "M", "O"]


@dataclass(frozen=True)
class Columns:
    """Which column says what; None where the table does not say it.

    Attributes:
        series: its values, sorted, number a patient's series from 0, as ADC 0 and DWI 1; of pictures only.
        stroke_values: label values that mean stroke, every other one meaning none; empty takes 1, true, yes and
            stroke against 0, false, no and normal.
    """

    file: str = "file"
    patient: str | None = "patient"
    number: str | None = "slice_no"
    label: str = "slice_ich"
    age: str | None = None
    sex: str | None = None
    series: str | None = None
    subtypes: tuple[str, ...] = ()
    stroke_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One labelled line of the table; ``line`` is its number in the file, for messages."""

    line: int
    file: str
    patient: str | None
    number: int | None
    stroke: bool
    subtypes: tuple[str, ...] = ()
    age: int | None = None
    sex: Sex | None = None
    series: str = ""


def read_rows(table: Path, columns: Columns) -> list[Row]:
    """The labelled lines of a table; those with a blank label are left out.

    Raises:
        DatasetError: a column is missing, a value cannot be read (its line is named, never the value), or nothing
            is labelled.
    """
    if not table.is_file():
        raise DatasetError(f"There is no {table}.")
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        named = (
            columns.file,
            columns.patient,
            columns.number,
            columns.label,
            columns.age,
            columns.sex,
            columns.series,
        )
        missing = {name for name in (*named, *columns.subtypes) if name} - set(reader.fieldnames or ())
        if missing:
            raise DatasetError(f"{table.name} has no column {', '.join(sorted(missing))}.")
        rows = [
            _row(reader.line_num, values, columns)
            for values in reader
            if (values[columns.label] or "").strip()
        ]
    if not rows:
        raise DatasetError(f"{table} labels nothing.")
    kinds = dict(_diagnoses(table.with_name(DIAGNOSES_FILE)))
    return [
        row if row.subtypes else replace(row, subtypes=kinds.get((row.patient, row.number), ()))
        for row in rows
    ]


def _diagnoses(table: Path) -> Iterator[tuple[tuple[str | None, int | None], tuple[str, ...]]]:
    """Each slice's kinds of haemorrhage, by patient and slice number."""
    if not table.is_file():
        return
    with table.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            kinds = tuple(kind for kind in _KINDS if row[kind].strip() == "1")
            yield (row["PatientNumber"].strip(), int(row["SliceNumber"])), kinds


def years(age: str | None) -> int | None:
    """Whole years of an age in years or as DICOM writes it (``063Y``, ``005M``; PS3.5 6.2), 90 for everybody older.

    Raises:
        ValueError: it is neither.
    """
    if not age:
        return None
    unit = _AGE_UNITS.get(age[-1].upper())
    value = float(age[:-1]) * unit if unit else float(age)
    return min(int(value), OLDEST_AGE)


def _row(line: int, values: dict[str, str], columns: Columns) -> Row:
    def said(column: str | None) -> str:
        return (values[column] or "").strip() if column else ""

    try:
        age = said(columns.age) or None
        sex = said(columns.sex).lower()
        return Row(
            line=line,
            file=said(columns.file),
            patient=said(columns.patient) or None,
            number=int(said(columns.number)) if said(columns.number) else None,
            stroke=_is_stroke(said(columns.label), columns.stroke_values),
            subtypes=tuple(name for name in columns.subtypes if _is_stroke(said(name) or "0", ())),
            age=years(age),
            sex=cast("Sex", _SEXES[sex]) if sex else None,
            series=said(columns.series),
        )
    except (ValueError, KeyError):
        raise DatasetError(f"Line {line} of the table cannot be read: a label, number, age or sex.") from None


def _is_stroke(value: str, stroke_values: tuple[str, ...]) -> bool:
    if stroke_values:
        return value in stroke_values
    if value.lower() not in _STROKE | _NORMAL:
        raise ValueError(value)
    return value.lower() in _STROKE
