"""The patient as a report prints them, from what the sender's headers said."""

import re

from gateway.studies.schemas import PatientDetail
from ictus.report import PatientLabel

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


def patient_label(patient: PatientDetail) -> PatientLabel:
    """Make DICOM's notations (PS3.5 6.2: PN, DA) readable; what does not follow them stays as it is."""
    return PatientLabel(
        name=_person_name(patient.patient_name) or None,
        patient_id=patient.patient_id,
        birth_date=_date(patient.birth_date),
        sex=patient.sex,
    )


def _person_name(name: str | None) -> str:
    """``Yamada^Tarou=山田^太郎`` becomes ``Yamada, Tarou (山田 太郎)``: the alphabetic group first, if there is one."""
    alphabetic, ideographic, *_ = (*(name or "").split("="), "", "")
    family, given, middle, prefix, suffix, *_ = (part.strip() for part in (*alphabetic.split("^"), *[""] * 5))
    first_names = " ".join(part for part in (prefix, given, middle, suffix) if part)
    readable = ", ".join(part for part in (family, first_names) if part)
    written = " ".join(ideographic.replace("^", " ").split())
    if readable and written:
        return f"{readable} ({written})"
    return readable or written


def _date(date: str | None) -> str | None:
    match = _DATE.fullmatch(date or "")
    return "-".join(match.groups()) if match else date
