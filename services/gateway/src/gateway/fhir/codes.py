"""Every code that Ictus writes into FHIR resources, with the system it comes from and where that says so.

What DICOM objects say too is taken from their table (``gateway.dicom_objects.codes``), so that both say the same.
"""

from dataclasses import dataclass
from typing import Final

from gateway.dicom_objects import codes as shared
from ictus.domain.enums import Disposition, Modality

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
UCUM: Final = "http://unitsofmeasure.org"
TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
ICTUS: Final = "urn:ictus:codes"
"""Of what no published system has: dispositions and thresholds."""

DICOM_UID: Final = "urn:dicom:uid"
"""System of DICOM UIDs as identifiers (FHIR R4, ImagingStudy, 9.4.3)."""

PROBLEMS: Final = "urn:ictus:problem"
"""System of the stable codes of what can go wrong."""

MODEL_DIGEST: Final = "urn:ictus:model-sha256"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a system, with its meaning there."""

    system: str
    code: str
    display: str

    @property
    def coding(self) -> dict[str, str]:
        """As FHIR's Coding."""
        return {"system": self.system, "code": self.code, "display": self.display}

    @property
    def concept(self) -> dict[str, object]:
        """As a CodeableConcept with this coding alone."""
        return {"coding": [self.coding]}


_DISPLAYS: Final = {"230690007": "Cerebrovascular accident", "69536005": "Head structure"}
"""SNOMED CT's own terms, where DICOM's meaning is another; validators compare them."""

_SYSTEMS: Final = {"DCM": DICOM, "SCT": SNOMED, "LN": LOINC}


def as_fhir(code: shared.Code) -> Code:
    """A code of the DICOM objects, under the name that FHIR has for its scheme."""
    return Code(_SYSTEMS[code.scheme], code.value, _DISPLAYS.get(code.value, code.meaning))


# FHIR R4 security labels; THO v3-ObservationValue: the information was asserted by an artificial intelligence
AI_ASSERTED: Final = Code(f"{TERMINOLOGY}/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted")

IMAGING_REPORT: Final = as_fhir(shared.IMAGING_REPORT)
EXAMINATIONS: Final = {modality: as_fhir(code) for modality, code in shared.PROCEDURES.items()}
PROBABILITY: Final = as_fhir(shared.PROBABILITY)
STROKE: Final = as_fhir(shared.STROKE)
HAEMORRHAGE: Final = as_fhir(shared.INTRACRANIAL_HAEMORRHAGE)
PRESENT: Final = as_fhir(shared.PRESENT)
ABSENT: Final = as_fhir(shared.ABSENT)
HEAD: Final = as_fhir(shared.HEAD)

# DICOM PS3.16, CID 29
MODALITIES: Final = {
    Modality.CT: Code(DICOM, "CT", "Computed Tomography"),
    Modality.MR: Code(DICOM, "MR", "Magnetic Resonance"),
    Modality.OTHER: Code(DICOM, "OT", "Other"),
}

# SNOMED CT, as HL7's examples use it
SOFTWARE: Final = Code(SNOMED, "706689003", "Application program software")

# FHIR R4 terminology
RADIOLOGY: Final = Code(f"{TERMINOLOGY}/v2-0074", "RAD", "Radiology")
IMAGING: Final = Code(f"{TERMINOLOGY}/observation-category", "imaging", "Imaging")
MEDICAL_RECORD: Final = Code(f"{TERMINOLOGY}/v2-0203", "MR", "Medical record number")
ACCESSION: Final = Code(f"{TERMINOLOGY}/v2-0203", "ACSN", "Accession ID")
ASSEMBLER: Final = Code(f"{TERMINOLOGY}/provenance-participant-type", "assembler", "Assembler")
VERIFIER: Final = Code(f"{TERMINOLOGY}/provenance-participant-type", "verifier", "Verifier")
CREATED: Final = Code(f"{TERMINOLOGY}/v3-DataOperation", "CREATE", "create")
REVISED: Final = Code(f"{TERMINOLOGY}/v3-DataOperation", "UPDATE", "revise")

_ABSENCES: Final = f"{TERMINOLOGY}/data-absent-reason"
UNKNOWN: Final = Code(_ABSENCES, "unknown", "Unknown")
NOT_PERFORMED: Final = Code(_ABSENCES, "not-performed", "Not Performed")
ABSENT_REASONS: Final = {
    Disposition.UNCERTAIN: UNKNOWN,
    Disposition.UNSUITABLE: NOT_PERFORMED,
    Disposition.NOT_VALIDATED: Code(_ABSENCES, "unsupported", "Unsupported"),
}

# Ictus's own
DISPOSITION: Final = Code(ICTUS, "disposition", "What may be done with the answer")
DISPOSITIONS: Final = {
    Disposition.CONFIDENT: Code(ICTUS, "confident", "Confident"),
    Disposition.UNCERTAIN: Code(ICTUS, "uncertain", "Uncertain: a reader decides"),
    Disposition.UNSUITABLE: Code(ICTUS, "unsuitable", "Images unsuitable for the model"),
    Disposition.NOT_VALIDATED: Code(ICTUS, "not_validated", "Model not validated for this input"),
}
STROKE_AT_LEAST: Final = Code(ICTUS, "stroke_at_least", "Probability from which the model says stroke")
NORMAL_AT_MOST: Final = Code(ICTUS, "normal_at_most", "Probability up to which the model says normal")
MODEL_FINDING: Final = Code(ICTUS, "model_finding", "What the model said before readers decided")
MODEL_VERSION: Final = Code(ICTUS, "model_version", "Version of the model")
MANIFEST: Final = Code(ICTUS, "manifest_sha256", "SHA-256 of the model's manifest")
ANALYSIS: Final = Code(ICTUS, "analysis", "Analysis of a head scan for signs of stroke by Ictus")
CANNOT_TELL: Final = "The readers could not come to a finding from these images."
