"""ImagingStudy and ServiceRequest: the scan, and the order to analyse it."""

from typing import Final

from fhir.resources.R4B.imagingstudy import ImagingStudy
from fhir.resources.R4B.servicerequest import ServiceRequest

from gateway.fhir.codes import ACCESSION, ANALYSIS, DICOM_UID, EXAMINATIONS, HEAD, MODALITIES
from gateway.fhir.facts import Facts, View
from gateway.fhir.writing import Part, dicom_date, meta, present, reference, subject, text
from gateway.studies.models import Series, StudyState
from ictus.domain.enums import JobState, Priority

REQUEST_STATUS: Final = {
    JobState.QUEUED: "active",
    JobState.RUNNING: "active",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "on-hold",  # a person must look at it, and it may go on
    JobState.CANCELLED: "revoked",
}


def study_status(state: StudyState) -> str:
    """Held studies are known but show nothing yet."""
    return "registered" if state is StudyState.HELD else "available"


def imaging_study(facts: Facts, view: View) -> ImagingStudy:
    """The de-identified study; to who may know the patient, also under the UID and number that the sender gave it."""
    study = facts.study
    identity = view.identity(study)
    identifiers: list[Part] = [
        {"system": DICOM_UID, "value": f"urn:oid:{study.study_uid}", "use": "secondary"}
    ]
    told: Part = {}
    if identity is not None:
        if identity.study_instance_uid:
            original = f"urn:oid:{identity.study_instance_uid}"
            identifiers.insert(0, {"system": DICOM_UID, "value": original, "use": "official"})
        number = text(identity.accession_number)
        if number:
            system = view.identifier_system("accession-number")
            identifiers.append({"type": ACCESSION.concept, "system": system, "value": number})
        told = {
            "started": dicom_date(identity.study_date),
            "description": text(identity.study_description),
        }
    return ImagingStudy.model_validate(
        present(
            {
                "id": str(study.id),
                "meta": meta(facts),
                "identifier": identifiers,
                "status": study_status(study.state),
                "modality": [
                    MODALITIES[one].coding for one in dict.fromkeys(s.modality for s in study.series)
                ],
                "subject": subject(facts),
                "numberOfSeries": len(study.series),
                "numberOfInstances": sum(one.source_files for one in study.series),
                "series": [_series(one) for one in study.series],
                **told,
            }
        )
    )


def _series(series: Series) -> Part:
    return present(
        {
            "uid": series.series_uid,
            "number": series.position + 1,
            "modality": MODALITIES[series.modality].coding,
            "description": text(series.description),
            "numberOfInstances": series.source_files,
            "bodySite": HEAD.coding if (series.body_part or "").upper() in {"HEAD", "BRAIN"} else None,
        }
    )


def service_request(facts: Facts, _view: View) -> ServiceRequest:
    """One analysis of a study, whoever asked for it."""
    study, job = facts.study, facts.job
    assert job is not None  # noqa: S101  the query joins it
    return ServiceRequest.model_validate(
        present(
            {
                "id": str(job.id),
                "meta": meta(facts),
                "status": REQUEST_STATUS[job.state],
                "intent": "order",
                "priority": "stat" if job.priority is Priority.STAT else "routine",
                "code": ANALYSIS.concept,
                "orderDetail": [EXAMINATIONS[study.modality].concept],
                "subject": subject(facts),
                "authoredOn": job.created_at.isoformat(),
                "supportingInfo": [reference("ImagingStudy", study.id)],
                "bodySite": [HEAD.concept],
                "note": [{"text": job.failure_detail}]
                if job.state is JobState.FAILED and job.failure_detail
                else None,
            }
        )
    )
