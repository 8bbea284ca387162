"""What objects are made from: a study's latest answer, what readers came to, and whose study it is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.dicom_objects.errors import NoSourceStudyError
from gateway.dicom_objects.instances import ResultInstance, result_instances, shown_series
from gateway.dicom_objects.sources import SourceSeries
from gateway.dicom_objects.subject import Subject
from gateway.identity import IdentityCipher
from gateway.reports.service import read_reading
from gateway.results.service import latest_result
from gateway.sites.repository import SiteRepository
from gateway.studies.models import Study
from gateway.studies.sealing import open_identity
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.uids import replacement_uid
from ictus.report import Reading, ReportStatus, report_status


@dataclass(frozen=True)
class Origin:
    """One result, as the database has it; nothing of it changes while objects are made.

    Attributes:
        key: of the HMAC that replaces UIDs.
        site_name: who verifies, in the words of the installation.
        completed_at: when the model answered.
    """

    key: bytes
    study_id: UUID
    job_id: UUID
    modality: Modality
    prediction: PredictionResult
    reading: Reading | None
    site_name: str
    completed_at: datetime
    source: SourceSeries
    subject: Subject

    @property
    def status(self) -> ReportStatus:
        """Preliminary until readers have come to something."""
        return report_status(self.prediction, self.reading)

    @property
    def written_at(self) -> datetime:
        """When what the documents say came to be."""
        return self.completed_at if self.reading is None else self.reading.decided_at

    def own_uid(self, uid: str) -> str:
        """A UID of ours as these objects have it: another one beside the de-identified study."""
        return uid if self.subject.is_identified else replacement_uid(self.key, uid)

    def instances(self) -> tuple[ResultInstance, ...]:
        """The objects that there are of it."""
        return result_instances(
            self.key, self.job_id, self.prediction, self.status, identified=self.subject.is_identified
        )


def read_origin(
    session: Session, study: Study, key: bytes, cipher: IdentityCipher | None = None
) -> Origin | None:
    """A study's latest answer; None while there is none.

    Args:
        session: the transaction.
        study: of the caller's site.
        key: of the HMAC that replaces UIDs.
        cipher: opens the identity, for objects in the sender's study; None for de-identified ones.

    Raises:
        NoSourceStudyError: the scan did not come as DICOM.
        IdentityUnreadableError: no key opens the identity.
    """
    result = latest_result(session, study.id)
    if result is None:
        return None
    prediction = PredictionResult.model_validate(result.prediction)
    series = next(one for one in study.series if one.id == shown_series(prediction).series_id)
    if series.source_format is not SourceFormat.DICOM:
        raise NoSourceStudyError
    if cipher is not None and study.identity is None:
        raise NoSourceStudyError
    subject = Subject()
    if cipher is not None and study.identity is not None:
        subject = Subject.of_sender(open_identity(cipher, study.identity))
    return Origin(
        key=key,
        study_id=study.id,
        job_id=result.job_id,
        modality=study.modality,
        prediction=prediction,
        reading=read_reading(session, study.id),
        site_name=SiteRepository(session).require(study.site_id).name,
        completed_at=result.completed_at,
        source=SourceSeries(study.id, series.id, series.source_files, series.slices),
        subject=subject,
    )
