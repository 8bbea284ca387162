"""What a delivery consists of, read from the database and the object store when its turn has come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self
from uuid import UUID

from pydicom.dataset import Dataset
from sqlalchemy.orm import Session

from gateway.deliveries.errors import NothingToSendError
from gateway.deliveries.models import Delivery, Destination, DestinationKind, Occasion
from gateway.dicom_objects.building import ResultObjects
from gateway.dicom_objects.errors import NoSourceStudyError
from gateway.dicom_objects.instances import ObjectKind
from gateway.dicom_objects.origin import Origin, read_origin
from gateway.reports.service import ReportDraft, draft_report
from gateway.resources import Resources
from gateway.studies.models import Study
from gateway.triage.alerts import is_open
from ictus.report import render_pdf
from ictus.storage import ObjectStore

_ABOUT_A_PATIENT = frozenset({DestinationKind.DICOM_STORE, DestinationKind.STOW, DestinationKind.HL7_MLLP})


@dataclass(frozen=True)
class Parcel:
    """One result, or an alert about it, for one destination. Everything that is slow is made when it is first asked for.

    Attributes:
        message_id: the same however often it is sent.
        queued_at: when the result came to be, as far as a receiver needs to order messages.
        origin: None for destinations that learn nothing of the patient.
    """

    message_id: UUID
    study_id: UUID
    job_id: UUID
    status: Occasion
    queued_at: datetime
    origin: Origin | None
    draft: ReportDraft
    store: ObjectStore

    @cached_property
    def pdf(self) -> bytes:
        """The report, which names the patient."""
        return render_pdf(self.draft.with_pictures(self.store))

    def objects(self, kinds: Sequence[ObjectKind]) -> Iterator[Dataset]:
        """The DICOM objects of these kinds in the sender's study."""
        if self.origin is None:
            raise NothingToSendError
        pdf = self.pdf if ObjectKind.PDF in kinds else None
        return ResultObjects(self.origin, self.store, pdf).of_kinds(kinds)

    @classmethod
    def read(cls, resources: Resources, session: Session, delivery: Delivery, kind: DestinationKind) -> Self:
        """Put together what is to be sent now.

        Raises:
            NothingToSendError: a newer answer or verdict has its own delivery, or the scan did not come as DICOM, or somebody
                has taken the alert on.
            IdentityUnreadableError: no key opens the identity.
        """
        study = session.get_one(Study, delivery.study_id)
        key = resources.settings.uid_key.get_secret_value().encode()
        draft = draft_report(session, study.site_id, study.id, resources.cipher)
        origin = None
        if kind in _ABOUT_A_PATIENT:
            try:
                origin = read_origin(session, study, key, resources.cipher)
            except NoSourceStudyError as error:
                raise NothingToSendError(error.detail) from error
        parcel = cls(
            message_id=delivery.id,
            study_id=study.id,
            job_id=delivery.job_id,
            status=delivery.status,
            queued_at=delivery.created_at,
            origin=origin,
            draft=draft,
            store=resources.store,
        )
        if delivery.status is Occasion.ESCALATED:
            if not is_open(session, study):
                raise NothingToSendError("The alert has been taken on.")
        elif draft.job_id != delivery.job_id or draft.status.value != delivery.status.value:
            raise NothingToSendError("A newer report of this study is delivered instead.")
        return parcel


def contents(destination: Destination) -> list[ObjectKind]:
    """What the destination gets, in the order in which it is sent."""
    return [kind for kind in ObjectKind if kind in destination.content]
