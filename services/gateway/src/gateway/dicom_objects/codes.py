"""Every coded value of the objects that leave the gateway, with where it stands.

DCM and SCT codes are those of DICOM PS3.16 (2024); CID is its context group. LN is LOINC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from highdicom.sr import CodedConcept

from ictus.domain.enums import Finding, Modality


@dataclass(frozen=True, slots=True)
class Code:
    """A code: value, coding scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str

    @property
    def concept(self) -> CodedConcept:
        """As highdicom and pydicom take it."""
        return CodedConcept(value=self.value, scheme_designator=self.scheme, meaning=self.meaning)


MEASUREMENT_REPORT: Final = Code("126000", "DCM", "Imaging Measurement Report")
"""CID 7021: the title of a TID 1500 report."""

STROKE: Final = Code("230690007", "SCT", "Cerebrovascular Accident or Stroke")
"""CID 3413."""
INTRACRANIAL_HAEMORRHAGE: Final = Code("1386000", "SCT", "Intracranial hemorrhage")
"""SNOMED CT, disorder."""

PRESENT: Final = Code("52101004", "SCT", "Present")
"""CID 240."""
ABSENT: Final = Code("272519000", "SCT", "Absent")
"""CID 240."""
UNDETERMINED: Final = Code("373068000", "SCT", "Undetermined")
"""CID 240."""

PROBABILITY: Final = Code("122157", "DCM", "Probability")
"""PS3.16 Annex D."""
NO_UNITS: Final = Code("1", "UCUM", "no units")
"""CID 7181."""

ARTIFICIAL_INTELLIGENCE: Final = Code("123110", "DCM", "Artificial Intelligence")
"""CID 7162: the family of an algorithm."""
ACTIVATION: Final = Code("130403", "DCM", "Gradient-weighted class activation")
"""CID 7180: the quantity of a Grad-CAM."""

ALGORITHM_VERSION: Final = Code("111003", "DCM", "Algorithm Version")
"""TID 4019."""
STUDY_INSTANCE_UID: Final = Code("110180", "DCM", "Study Instance UID")
"""CID 404."""
DISPOSITION: Final = Code("disposition", "ICTUS", "Disposition of the result")
"""Ours, where no standard has one: confident, uncertain, unsuitable or not_validated."""

COMMENT: Final = Code("121106", "DCM", "Comment")
"""PS3.16 Annex D."""

HEAD: Final = Code("69536005", "SCT", "Head")
"""CID 4031."""

IMAGING_REPORT: Final = Code("18748-4", "LN", "Diagnostic imaging study")
"""CID 7020: the title of an encapsulated report."""

PROCEDURES: Final[Mapping[Modality, Code]] = {
    Modality.CT: Code("24725-4", "LN", "CT Head"),
    Modality.MR: Code("24590-2", "LN", "MR Brain"),
    Modality.OTHER: Code("18748-4", "LN", "Diagnostic imaging study"),
}
"""LOINC, as CID 100 is extended by them."""

LOOKED_FOR: Final[Mapping[str, Code]] = {
    "stroke": STROKE,
    "intracranial haemorrhage": INTRACRANIAL_HAEMORRHAGE,
}
"""What a model's manifest says that it looks for (``PredictionResult.looked_for``)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """That something is present, absent or undetermined."""

    of: Code
    value: Code


def statements(finding: Finding | None, looked_for: str) -> tuple[Statement, ...]:
    """What may be said in codes of a finding.

    A model that knows haemorrhage only says of a clean scan that haemorrhage is absent, and of stroke nothing:
    ischaemic stroke was not looked for.

    Args:
        finding: None where nothing may be claimed.
        looked_for: in the words of ``LOOKED_FOR``; other words say nothing of what is absent.
    """
    part = LOOKED_FOR.get(looked_for)
    if part is STROKE:
        return (Statement(STROKE, _value(finding)),)
    whole = Statement(STROKE, PRESENT if finding is Finding.STROKE else UNDETERMINED)
    return (whole,) if part is None else (whole, Statement(part, _value(finding)))


def _value(finding: Finding | None) -> Code:
    match finding:
        case Finding.STROKE:
            return PRESENT
        case Finding.NORMAL:
            return ABSENT
        case None:
            return UNDETERMINED
