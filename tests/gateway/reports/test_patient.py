"""How a patient's header fields are printed."""

import pytest

from gateway.reports.patient import patient_label
from gateway.studies.schemas import PatientDetail


def patient(**known: str) -> PatientDetail:
    return PatientDetail.model_validate(dict.fromkeys(PatientDetail.model_fields) | known)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Adams, Rev. John Robert Quincy B.A. M.Div."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎)"),
        ("=山田^太郎", "山田 太郎"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("Jane Doe", "Jane Doe"),
        ("A^B^C^D^E^F^G=H=I=J", "A, D B C E (H)"),
        ("^^^^", None),
        ("", None),
    ],
)
def test_a_dicom_name_is_made_readable(written: str, printed: str | None) -> None:
    assert patient_label(patient(patient_name=written)).name == printed


@pytest.mark.parametrize(
    ("written", "printed"), [("19500615", "1950-06-15"), ("1950", "1950"), ("circa 1950", "circa 1950")]
)
def test_a_dicom_date_is_made_readable_and_anything_else_stays(written: str, printed: str) -> None:
    assert patient_label(patient(birth_date=written)).birth_date == printed


def test_what_is_not_known_stays_unknown() -> None:
    label = patient_label(patient())
    assert (label.name, label.patient_id, label.birth_date, label.sex) == (None, None, None, None)
