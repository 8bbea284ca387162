"""Taking a ServiceRequest: which study it means, here or in an archive, and how urgent it is."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from gateway.auth.caller import Caller
from gateway.auth.permissions import Interaction, Permission, ResourceType
from gateway.fhir.codes import ACCESSION, DICOM_UID
from gateway.fhir.criteria import Criteria, Identifier
from gateway.fhir.errors import IdentitySearchRefusedError, OrderRefusedError
from gateway.fhir.facts import patient_id
from gateway.fhir.repository import FhirRepository
from gateway.jobs.schemas import AnalysisRequest
from gateway.jobs.service import JobService
from gateway.pulls.errors import NoSourceError
from gateway.pulls.service import Pulls
from gateway.pulls.wanted import ACCESSION_PATTERN, LONGEST_NUMBER, Wanted, is_uid
from gateway.resources import Resources
from gateway.studies.models import Study
from gateway.studies.service import StudyService
from ictus.domain.enums import Priority

_PRIORITIES: Final = {
    "stat": Priority.STAT,
    "asap": Priority.STAT,
    "urgent": Priority.STAT,
    "routine": Priority.ROUTINE,
}
_ONE_STUDY: Final = (
    "'supportingInfo' must name one study: ImagingStudy/<id>, its StudyInstanceUID or its accession number."
)
_SEARCH_PATIENT: Final = Permission(ResourceType.PATIENT, Interaction.SEARCH)


def read_order(body: bytes) -> ServiceRequest:
    """The resource that was sent. Raises ``OrderRefusedError``, which repeats nothing of it."""
    try:
        return ServiceRequest.model_validate(json.loads(body))
    except ValidationError as error:
        wrong = ", ".join(dict.fromkeys(str(one["loc"][0]) if one["loc"] else "it" for one in error.errors()))
        raise OrderRefusedError(f"This is no valid ServiceRequest. Please correct: {wrong[:200]}.") from None
    except (ValueError, TypeError, RecursionError):
        raise OrderRefusedError("The body is no ServiceRequest in JSON.") from None


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was taken: its id, which is or becomes that of the analysis.

    ``is_new`` is False when the same study is being fetched for an order already; ``is_fetched`` says that it is not here.
    """

    id: UUID
    is_new: bool
    is_fetched: bool


class OrderService:
    """Orders of one caller. The caller of this commits."""

    def __init__(self, session: Session, resources: Resources, caller: Caller, jobs: JobService) -> None:
        self._caller = caller
        self._jobs = jobs
        self._pulls = Pulls(session, caller, resources)
        self._studies = StudyService(session, caller.site_id, resources.cipher)
        uid_key = resources.settings.uid_key.get_secret_value().encode()
        self._rows = FhirRepository(session, caller.site_id, uid_key)

    def place(self, order: ServiceRequest) -> PlacedOrder:
        """Queue the analysis that is asked for, of a study that is fetched first where it is not here.

        Raises:
            OrderRefusedError: it names no study that is here or could be fetched, several, or one of another patient.
            IdentitySearchRefusedError: it names the study by a number of the sender's, and the caller may not.
            AnalysisOpenError, StudyHeldError, QueueFullError: the study cannot be analysed now.
        """
        if order.status != "active" or order.intent not in {"order", "original-order", "directive"}:
            raise OrderRefusedError("Only an active order can be placed: 'status' active, 'intent' order.")
        references = order.supportingInfo or ()
        found = {study.id: study for one in references for study in self._referred(one)}
        priority = _PRIORITIES.get(order.priority or "")
        subject = _local_id(order.subject, ResourceType.PATIENT)
        if not found:
            return self._fetch(references, priority or Priority.ROUTINE, subject)
        if len(found) != 1:
            raise OrderRefusedError(_ONE_STUDY)
        study = next(iter(found.values()))
        if subject is not None and subject != str(patient_id(study)):
            raise OrderRefusedError("The study is not one of the patient in 'subject'.")
        self._jobs.refuse_when_full()
        job = self._studies.analyse_again(
            study.id, AnalysisRequest(priority=priority), self._jobs, self._caller.id
        )
        return PlacedOrder(job.id, is_new=True, is_fetched=False)

    def _fetch(self, references: Sequence[Reference], priority: Priority, subject: str | None) -> PlacedOrder:
        """Have the study fetched that is named by a number, which nothing here has."""
        wanted = {one for one in (self._wanted(reference) for reference in references) if one is not None}
        if len(wanted) != 1 or len(references) != 1:
            raise OrderRefusedError(_ONE_STUDY)
        try:
            patient = UUID(subject) if subject is not None else None
        except ValueError:
            raise OrderRefusedError("There is no such patient as in 'subject'.") from None
        self._jobs.refuse_when_full()
        try:
            asked = self._pulls.ask(wanted.pop(), priority, order=True, patient_ref=patient)
        except NoSourceError as error:
            raise OrderRefusedError(
                "No study of this site has this number, and no archive is set up from which it could be fetched."
            ) from error
        return PlacedOrder(asked.pull.id, is_new=asked.is_new, is_fetched=True)

    def _wanted(self, reference: Reference) -> Wanted | None:
        """The number of a study that an archive can be asked for; None where the reference has none."""
        identifier = reference.identifier
        if identifier is None or not identifier.value:
            return None
        value, uid = identifier.value.strip(), identifier.value.strip().removeprefix("urn:oid:")
        codes = {one.code for one in (identifier.type.coding or ())} if identifier.type else set()
        if len(value) > LONGEST_NUMBER:
            return None
        looks_like_uid = is_uid(uid)
        if identifier.system == DICOM_UID or (identifier.system is None and looks_like_uid and not codes):
            return Wanted(study_instance_uid=uid) if looks_like_uid else None
        own = f"urn:ictus:site:{self._caller.site_id}:accession-number"
        is_accession = identifier.system in {None, own} or ACCESSION.code in codes
        if is_accession and re.fullmatch(ACCESSION_PATTERN, value):
            return Wanted(accession_number=value)
        return None

    def _referred(self, reference: Reference) -> list[Study]:
        study_id = _local_id(reference, ResourceType.IMAGING_STUDY)
        if study_id is not None:
            wanted = Criteria(ids=frozenset({study_id}))
        elif reference.identifier is not None and reference.identifier.value:
            if not self._caller.allows(_SEARCH_PATIENT):
                raise IdentitySearchRefusedError
            identifier = Identifier(reference.identifier.system, reference.identifier.value)
            wanted = Criteria(identifier=identifier)
        else:
            return []
        return [facts.study for facts, _ in self._rows.page(ResourceType.IMAGING_STUDY, wanted, 2)]


def _local_id(reference: Reference | None, resource: ResourceType) -> str | None:
    """The id in a reference to a resource of this type, relative or absolute."""
    parts = (reference.reference or "").split("/") if reference is not None else []
    return parts[-1] if parts[-2:-1] == [resource.value] else None
