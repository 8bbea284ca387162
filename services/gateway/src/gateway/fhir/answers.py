"""Observation, DiagnosticReport, Device and Provenance: what was answered, by which model, and what readers made of it.

The value of the Observation is what holds now. A confident answer is its value until readers decide; then theirs is.
Where nothing may be said there is no value but the reason why not (``dataAbsentReason``).
"""

import base64

from fhir.resources.R4B.device import Device
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.provenance import Provenance

from gateway.dicom_objects.codes import UNDETERMINED, statements
from gateway.fhir import codes
from gateway.fhir.codes import Code
from gateway.fhir.facts import Facts, View, status_of
from gateway.fhir.writing import Part, dicom_date, meta, present, readers, reference, subject, text
from gateway.reviews.models import StudyReview
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition, Finding

_DIGITS = 6


def observation(facts: Facts, view: View) -> Observation:
    """Whether the scan shows a stroke: the answer of one analysis, and what readers made of it."""
    prediction, reading = facts.prediction, view.reading(facts.study)
    return Observation.model_validate(
        present(
            {
                "id": str(facts.row_id),
                "meta": meta(facts, by_ai=True),
                "basedOn": [reference("ServiceRequest", facts.row_id)],
                "status": status_of(facts, view),
                "category": [codes.IMAGING.concept],
                "code": codes.STROKE.concept,
                "subject": subject(facts),
                "effectiveDateTime": _scanned(facts, view),
                "issued": facts.updated.isoformat(),
                "performer": readers(reading.reader_ids, view) if reading else None,
                **_value(prediction, reading),
                "note": [{"text": prediction.reason}],
                "bodySite": codes.HEAD.concept,
                "device": reference("Device", prediction.model_sha256),
                "derivedFrom": [reference("ImagingStudy", facts.study.id)],
                "component": _components(prediction, reading),
            }
        )
    )


def diagnostic_report(facts: Facts, view: View) -> DiagnosticReport:
    """The report of a study: its latest answer, and what readers made of it."""
    assert facts.result is not None  # noqa: S101  the query joins it
    prediction, reading = facts.prediction, view.reading(facts.study)
    examination = codes.EXAMINATIONS[facts.study.modality]
    finding = reading.finding if reading else _claimed(prediction)
    return DiagnosticReport.model_validate(
        present(
            {
                "id": str(facts.study.id),
                "meta": meta(facts, by_ai=True),
                "basedOn": [reference("ServiceRequest", facts.result.job_id)],
                "status": status_of(facts, view),
                "category": [codes.RADIOLOGY.concept],
                "code": {
                    "coding": [one.coding for one in dict.fromkeys((examination, codes.IMAGING_REPORT))],
                    "text": _looked_for(prediction),
                },
                "subject": subject(facts),
                "effectiveDateTime": _scanned(facts, view),
                "issued": facts.updated.isoformat(),
                "performer": [{"type": "Organization", "display": view.site_name}],
                "resultsInterpreter": readers(reading.reader_ids, view) if reading else None,
                "result": [reference("Observation", facts.result.job_id)],
                "imagingStudy": [reference("ImagingStudy", facts.study.id)],
                "conclusion": _conclusion(prediction, reading),
                "conclusionCode": [codes.STROKE.concept] if finding is Finding.STROKE else None,
                "presentedForm": _presented(facts, view),
            }
        )
    )


def device(facts: Facts, _view: View) -> Device:
    """A model version, named by the digest of its manifest."""
    prediction = facts.prediction
    facts_of_card = "; ".join(f"{fact.name}: {fact.value}" for fact in prediction.model_facts)
    return Device.model_validate(
        present(
            {
                "id": prediction.model_sha256,
                "meta": meta(facts),
                "identifier": [{"system": codes.MODEL_DIGEST, "value": prediction.model_sha256}],
                "status": "active",
                "manufacturer": "Ictus",
                "deviceName": [{"name": "Ictus", "type": "user-friendly-name"}],
                "modelNumber": prediction.model_version,
                "type": codes.SOFTWARE.concept,
                "version": [
                    {"type": codes.MODEL_VERSION.concept, "value": prediction.model_version},
                    {"type": codes.MANIFEST.concept, "value": prediction.model_sha256},
                ],
                "note": [
                    {"text": note}
                    for note in (f"Validated for: {prediction.validated_for}", text(facts_of_card))
                    if note
                ],
            }
        )
    )


def provenance(facts: Facts, view: View) -> Provenance:
    """How the report and the observation came about: which model, which images, which readers."""
    prediction, reading = facts.prediction, view.reading(facts.study)
    agents: list[Part] = [
        {"type": codes.ASSEMBLER.concept, "who": reference("Device", prediction.model_sha256)}
    ]
    if reading is not None:
        agents += [
            {"type": codes.VERIFIER.concept, "who": reader} for reader in readers(reading.reader_ids, view)
        ]
    return Provenance.model_validate(
        present(
            {
                "id": str(facts.row_id),
                "meta": meta(facts, by_ai=True),
                "target": [
                    reference("Observation", facts.row_id),
                    reference("DiagnosticReport", facts.study.id),
                ],
                "occurredDateTime": facts.updated.isoformat(),
                "recorded": facts.updated.isoformat(),
                "activity": (codes.CREATED if reading is None else codes.REVISED).concept,
                "agent": agents,
                "entity": [{"role": "source", "what": reference("ImagingStudy", facts.study.id)}],
            }
        )
    )


def _looked_for(prediction: PredictionResult) -> str:
    return f"Signs of {prediction.looked_for}"


def _scanned(facts: Facts, view: View) -> str | None:
    identity = view.identity(facts.study)
    return dicom_date(identity.study_date) if identity else None


def _claimed(prediction: PredictionResult) -> Finding | None:
    """What the model says, where it may: an uncertain answer's finding is a tendency, never a diagnosis."""
    return prediction.finding if prediction.disposition is Disposition.CONFIDENT else None


def _value(prediction: PredictionResult, reading: StudyReview | None) -> Part:
    """Present, absent, or why neither can be said.

    Readers answer for stroke as a whole. A model answers for what it looked for: one that knows haemorrhage only says
    of a clean scan nothing about stroke.
    """
    if reading is not None:
        return _presence(reading.finding, codes.UNKNOWN)
    whole = statements(_claimed(prediction), prediction.looked_for)[0]
    if whole.value is not UNDETERMINED:
        return {"valueCodeableConcept": codes.as_fhir(whole.value).concept}
    confident = prediction.disposition is Disposition.CONFIDENT
    reason = codes.NOT_PERFORMED if confident else codes.ABSENT_REASONS[prediction.disposition]
    return {"dataAbsentReason": reason.concept}


def _presence(finding: Finding | None, absent: Code) -> Part:
    if finding is None:
        return {"dataAbsentReason": absent.concept}
    value = codes.PRESENT if finding is Finding.STROKE else codes.ABSENT
    return {"valueCodeableConcept": value.concept}


def _components(prediction: PredictionResult, reading: StudyReview | None) -> list[Part]:
    components = _parts(prediction, reading)
    if prediction.stroke_probability is not None:
        components.append(_number(codes.PROBABILITY, prediction.stroke_probability))
    if prediction.thresholds is not None:
        components.append(_number(codes.STROKE_AT_LEAST, prediction.thresholds.stroke_at_least))
        components.append(_number(codes.NORMAL_AT_MOST, prediction.thresholds.normal_at_most))
    components.append(
        {
            "code": codes.DISPOSITION.concept,
            "valueCodeableConcept": codes.DISPOSITIONS[prediction.disposition].concept,
        }
    )
    claimed = _claimed(prediction)
    if reading is not None and claimed is not None:
        components.append({"code": codes.MODEL_FINDING.concept, "valueString": claimed.value})
    return components


def _parts(prediction: PredictionResult, reading: StudyReview | None) -> list[Part]:
    """What is said of haemorrhage by itself: by the model that looked for it, then by readers who name its kind."""
    if reading is not None:
        if reading.finding is None or (reading.finding is Finding.STROKE and reading.subtype is None):
            return []
        said = _presence(reading.finding, codes.UNKNOWN)
        return [{"code": codes.HAEMORRHAGE.concept, **said}]
    said_of_parts = statements(_claimed(prediction), prediction.looked_for)[1:]
    return [
        {"code": codes.as_fhir(one.of).concept, "valueCodeableConcept": codes.as_fhir(one.value).concept}
        for one in said_of_parts
        if one.value is not UNDETERMINED
    ]


def _number(code: Code, value: float) -> Part:
    return {
        "code": code.concept,
        "valueQuantity": {"value": round(value, _DIGITS), "system": codes.UCUM, "code": "1"},
    }


def _conclusion(prediction: PredictionResult, reading: StudyReview | None) -> str:
    if reading is None:
        return f"{prediction.finding_text} {prediction.reason}".strip()
    if reading.finding is None:
        return codes.CANNOT_TELL
    subtype = f" ({reading.subtype.value} haemorrhage)" if reading.subtype else ""
    return f"The readers' finding: {reading.finding.value}{subtype}."


def _presented(facts: Facts, view: View) -> list[Part] | None:
    """The report as PDF. It names the patient, so it is for those who may know who that is."""
    if not view.sees_identity:
        return None
    document = view.documents.get(facts.study.id)
    told: Part = {
        "contentType": "application/pdf",
        "language": "en",
        "url": f"{view.base}/Binary/{facts.study.id}",
        "title": "Ictus report",
    }
    if document is not None:
        told |= {"size": document.size, "hash": base64.b64encode(document.sha1).decode()}
    return [told]
