"""ServiceRequests that have no analysis yet: the study that they ask for is being fetched, could not be, or is held."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fhir.resources.R4B.servicerequest import ServiceRequest
from sqlalchemy import ColumnElement, case, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session

from gateway.fhir.codes import ACCESSION, ANALYSIS, DICOM_UID, HEAD, PROBLEMS
from gateway.fhir.criteria import Criteria
from gateway.fhir.facts import View, patient_id
from gateway.fhir.imaging import REQUEST_STATUS
from gateway.fhir.repository import uuids_among, within
from gateway.fhir.writing import Part, present, reference, text
from gateway.jobs.models import Job
from gateway.pulls.models import OPEN, Pull, PullState
from gateway.pulls.wanted import Wanted
from gateway.studies.models import Study, StudyState
from ictus.domain.enums import JobState, Priority

_STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
_HELD: Final = "The study is held until an administrator has looked at it."


@dataclass(frozen=True)
class PendingOrder:
    """The rows behind one such ServiceRequest.

    Attributes:
        pull: the fetching; its id is the order's, and that of the analysis once there is one.
        study: what it brought, if it is here.
        updated: when anything that it says changed last.
    """

    pull: Pull
    study: Study | None
    updated: datetime

    @property
    def status(self) -> str:
        """As ``_status`` has it."""
        if self.pull.state in OPEN:
            return "active"
        if self.pull.state is PullState.FAILED or self.study is None:
            return "revoked"
        if self.study.state is StudyState.HELD:
            return "on-hold"
        return REQUEST_STATUS[JobState(self.study.state)]

    @property
    def version(self) -> str:
        """FHIR's versionId."""
        return f"{self.updated:%Y%m%d%H%M%S%f}-{self.status}"


class PendingOrders:
    """The pending orders of one site.

    Args:
        session: read from, never written to.
        site_id: the caller's.
        uid_key: key of the HMACs that stand for UIDs and numbers.
    """

    def __init__(self, session: Session, site_id: UUID, uid_key: bytes) -> None:
        self._session = session
        self._site_id = site_id
        self._uid_key = uid_key

    def page(self, wanted: Criteria, limit: int) -> Sequence[PendingOrder]:
        """Orders that fit, the newest first."""
        updated = func.greatest(Pull.updated_at, Study.analysis_started_at, Study.completed_at)
        query = (
            select(Pull, Study, updated)
            .outerjoin(Study, Study.id == Pull.study_id)
            .where(Pull.site_id == self._site_id, Pull.is_order, ~exists().where(Job.id == Pull.id))
            .where(*self._conditions(wanted, updated))
            .order_by(Pull.created_at.desc(), Pull.id.desc())
            .limit(limit)
        )
        return [PendingOrder(*row) for row in self._session.execute(query)]

    def _conditions(
        self, wanted: Criteria, updated: ColumnElement[datetime]
    ) -> Iterable[ColumnElement[bool]]:
        if wanted.after is not None:
            yield tuple_(Pull.created_at, Pull.id) < tuple_(wanted.after.received_at, wanted.after.row_id)
        if wanted.ids is not None:
            yield Pull.id.in_(uuids_among(wanted.ids))
        if wanted.patient is not None:
            yield func.coalesce(Study.patient_ref, Study.id, Pull.patient_ref) == wanted.patient
        if wanted.identifier is not None:
            yield self._identified(wanted)
        if wanted.statuses is not None:
            yield _status().in_(wanted.statuses)
        yield from within(updated, wanted.updated)

    def _identified(self, wanted: Criteria) -> ColumnElement[bool]:
        assert wanted.identifier is not None  # noqa: S101  asked before
        system, value = wanted.identifier.system, wanted.identifier.value.strip()
        if not value:
            return false()
        fits: list[ColumnElement[bool]] = []
        if system in {None, DICOM_UID}:
            uid = value.removeprefix("urn:oid:")
            asked = Wanted(study_instance_uid=uid).reference(self._uid_key, self._site_id)
            fits += [Pull.wanted_ref == asked, Pull.study_uid == uid, Pull.study_uid == asked.split(":")[1]]
        if system in {None, f"urn:ictus:site:{self._site_id}:accession-number"}:
            number = Wanted(accession_number=value)
            fits.append(Pull.wanted_ref == number.reference(self._uid_key, self._site_id))
        return or_(false(), *fits)


def pending_order(order: PendingOrder, view: View) -> ServiceRequest:
    """An order whose study is not analysed: how far it is, or why not."""
    pull, study = order.pull, order.study
    return ServiceRequest.model_validate(
        present(
            {
                "id": str(pull.id),
                "meta": {"versionId": order.version, "lastUpdated": order.updated.isoformat()},
                "extension": _reason(order),
                "status": order.status,
                "intent": "order",
                "priority": "stat" if pull.priority is Priority.STAT else "routine",
                "code": ANALYSIS.concept,
                "subject": _subject(pull, study),
                "authoredOn": pull.created_at.isoformat(),
                "supportingInfo": [_named(pull, study, view)],
                "bodySite": [HEAD.concept],
                "note": [{"text": one} for one in _told(order)],
            }
        )
    )


def _status() -> ColumnElement[str]:
    """As ``PendingOrder.status`` has it."""
    words = [(Study.state == StudyState(state.value), word) for state, word in REQUEST_STATUS.items()]
    return case(
        (Pull.state.in_(OPEN), "active"),
        (or_(Pull.state == PullState.FAILED, Study.id.is_(None)), "revoked"),
        (Study.state == StudyState.HELD, "on-hold"),
        *words,
        else_="unknown",
    )


def _subject(pull: Pull, study: Study | None) -> Part:
    patient = patient_id(study) if study is not None else pull.patient_ref
    if patient is None:
        return {"type": "Patient", "display": "Known once the study is here"}
    return reference("Patient", patient)


def _named(pull: Pull, study: Study | None, view: View) -> Part | None:
    """The study, by the number that it was ordered by while it is not here; that is for who may know the patient."""
    if study is not None:
        return reference("ImagingStudy", study.id)
    if not view.sees_identity:
        return {"type": "ImagingStudy", "display": "A study in an archive"}
    wanted = Wanted.open(view.cipher, pull.wanted)
    if wanted.study_instance_uid is not None:
        identifier: Part = {"system": DICOM_UID, "value": f"urn:oid:{wanted.study_instance_uid}"}
    else:
        identifier = {
            "type": ACCESSION.concept,
            "system": view.identifier_system("accession-number"),
            "value": text(wanted.accession_number),
        }
    return {"type": "ImagingStudy", "identifier": identifier}


def _told(order: PendingOrder) -> Iterable[str]:
    pull = order.pull
    match pull.state:
        case PullState.QUEUED if pull.reason is None:
            yield "The study waits to be fetched from the archive."
        case PullState.QUEUED:
            yield f"The study could not be fetched yet and is tried again. {pull.reason}"
        case PullState.RUNNING if pull.fetched_at is None:
            of = f" of {pull.expected}" if pull.expected is not None else ""
            yield f"The study is being fetched from the archive: {pull.instances}{of} images."
        case PullState.RUNNING:
            yield "The study has been fetched and is being read."
        case PullState.FAILED:
            yield pull.reason or "The study cannot be fetched."
        case PullState.DONE if order.status == "on-hold":
            yield _HELD


def _reason(order: PendingOrder) -> list[Part]:
    """Why it is not done, as FHIR R4's extension for that has it."""
    if order.status == "revoked" and order.pull.code is not None:
        problem: Part = {
            "coding": [{"system": PROBLEMS, "code": order.pull.code}],
            "text": text(order.pull.reason),
        }
    elif order.study is not None and order.study.state is StudyState.HELD:
        problem = {"coding": [{"system": PROBLEMS, "code": "study_held"}], "text": _HELD}
    else:
        return []
    return [{"url": _STATUS_REASON, "valueCodeableConcept": present(problem)}]
