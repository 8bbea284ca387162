"""Small parts that several resources are written with."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from gateway.fhir.codes import AI_ASSERTED
from gateway.fhir.facts import Facts, View, patient_id

Part = dict[str, Any]
"""A part of a resource, before ``fhir.resources`` has looked at it."""

_SPACES: Final = {"\t", "\n", "\r", " "}


def text(value: str | None) -> str | None:
    """A sender's text as FHIR's ``string`` may be: no control characters, not empty."""
    kept = "".join(one if one.isprintable() or one in _SPACES else " " for one in value or "").strip()
    return kept or None


def present(part: Mapping[str, object]) -> Part:
    """Without what is empty: FHIR has no nulls and no empty lists."""
    return {name: value for name, value in part.items() if value not in (None, [], {}, "")}


def meta(facts: Facts, *, by_ai: bool = False) -> Part:
    """Version, time, and whether an AI says it."""
    told: Part = {"versionId": facts.version, "lastUpdated": facts.updated.isoformat()}
    return told | ({"security": [AI_ASSERTED.coding]} if by_ai else {})


def reference(resource: str, resource_id: UUID | str, display: str | None = None) -> Part:
    """A relative reference."""
    return present({"reference": f"{resource}/{resource_id}", "display": text(display)})


def subject(facts: Facts) -> Part:
    """The patient, by reference alone: who that is must be asked for."""
    return reference("Patient", patient_id(facts.study))


def readers(reader_ids: Iterable[UUID], view: View) -> list[Part]:
    """People of this installation, by their account."""
    return [
        present(
            {
                "type": "Practitioner",
                "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{reader}"},
                "display": text(view.reader_names.get(reader)),
            }
        )
        for reader in reader_ids
    ]


def dicom_date(value: str | None) -> str | None:
    """DICOM's DA (PS3.5 6.2) as FHIR's ``date``; None when it is none."""
    digits = (value or "").strip()
    if len(digits) != 8 or not digits.isdecimal():
        return None
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    return f"{year:04}-{month:02}-{day:02}" if year and _is_date(year, month, day) else None


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
