"""Patient: who a scan is of, as the sender's header said it."""

from typing import Final

from fhir.resources.R4B.patient import Patient

from gateway.fhir.codes import MEDICAL_RECORD
from gateway.fhir.facts import Facts, View, patient_id
from gateway.fhir.writing import Part, dicom_date, meta, present, text

_GENDERS: Final = {"M": "male", "F": "female", "O": "other"}
"""DICOM Patient's Sex (0010,0040), PS3.3 C.7.1.1."""


def patient(facts: Facts, view: View) -> Patient:
    """The patient of a study; nothing but an id when the upload carried no header."""
    identity = view.identity(facts.study)
    told: Part = {"id": str(patient_id(facts.study)), "meta": meta(facts)}
    if identity is not None:
        number = text(identity.patient_id)
        told |= {
            "identifier": [
                {
                    "use": "usual",
                    "type": MEDICAL_RECORD.concept,
                    "system": view.identifier_system("patient-id"),
                    "value": number,
                }
            ]
            if number
            else None,
            "name": _names(identity.patient_name),
            "gender": _GENDERS.get((identity.sex or "").strip().upper()),
            "birthDate": dicom_date(identity.birth_date),
        }
    return Patient.model_validate(present(told))


def _names(written: str | None) -> list[Part]:
    """DICOM's PN (PS3.5 6.2): up to three ways of writing, each family^given^middle^prefix^suffix."""
    names = []
    for way in (written or "").split("="):
        family, given, middle, prefix, suffix, *_ = [text(part) for part in (*way.split("^"), *[""] * 5)]
        name = present(
            {
                "family": family,
                "given": [one for one in (given, middle) if one],
                "prefix": [prefix] if prefix else None,
                "suffix": [suffix] if suffix else None,
            }
        )
        if name:
            names.append(name)
    return names
