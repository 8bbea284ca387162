"""Putting a report together: the answer, its pictures, the study's labels, the next steps."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.auth.models import User
from gateway.identity import IdentityCipher
from gateway.reports.errors import ReportNotReadyError
from gateway.reports.patient import patient_label
from gateway.reports.rules import NextStepRulesService
from gateway.results.service import latest_result
from gateway.reviews.decided import latest_final
from gateway.sites.repository import SiteRepository
from gateway.studies.service import StudyService
from ictus.contracts.prediction import PredictionResult, SeriesPrediction
from ictus.report import (
    KEY_SLICES_SHOWN,
    KeySlice,
    NextStep,
    PatientLabel,
    Reading,
    ReportStatus,
    StudyLabels,
    StudyReport,
    report_status,
)
from ictus.storage import ObjectStore


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """A report without its pictures: everything that the database knows of it."""

    job_id: UUID
    labels: StudyLabels
    result: PredictionResult
    next_steps: tuple[NextStep, ...]
    patient: PatientLabel | None
    reading: Reading | None

    @property
    def status(self) -> ReportStatus:
        """What the report is worth."""
        return report_status(self.result, self.reading)

    def with_pictures(self, store: ObjectStore) -> StudyReport:
        """Fetch the key slices' pictures. Raises ``ObjectMissingError``, ``UnavailableError``."""
        return StudyReport(
            labels=self.labels,
            result=self.result,
            key_slices=tuple(self._pictures(store)),
            next_steps=self.next_steps,
            patient=self.patient,
            reading=self.reading,
        )

    def _pictures(self, store: ObjectStore) -> list[KeySlice]:
        series = self._shown_series()
        slices = {one.index: one for one in series.slices}
        wanted = [slices[index] for index in series.key_slices[:KEY_SLICES_SHOWN]]
        return [
            KeySlice(
                series_id=series.series_id,
                index=one.index,
                plain=store.get_bytes(one.plain_key),
                explained=store.get_bytes(one.picture_key) if one.picture_key else None,
            )
            for one in wanted
            if one.plain_key is not None
        ]

    def _shown_series(self) -> SeriesPrediction:
        """The series whose score is the study's, or the first where none is."""
        driving = self.result.driving_series_id
        return next((one for one in self.result.series if one.series_id == driving), self.result.series[0])


def draft_report(session: Session, site_id: UUID, study_id: UUID, cipher: IdentityCipher) -> ReportDraft:
    """Read what a report on the study's latest answer needs.

    Raises:
        NotFoundError: the site has no such study.
        ReportNotReadyError: the study has no answer yet.
    """
    studies = StudyService(session, site_id, cipher)
    study = studies.get(study_id)
    result = latest_result(session, study.id)
    if result is None:
        raise ReportNotReadyError
    prediction = PredictionResult.model_validate(result.prediction)
    patient = studies.summary(study).patient
    reading = read_reading(session, study.id)
    return ReportDraft(
        job_id=result.job_id,
        labels=StudyLabels(
            study_id=study.id,
            modality=study.modality,
            received_at=study.received_at,
            analysed_at=result.completed_at,
            site_name=SiteRepository(session).require(study.site_id).name,
            description=patient.study_description if patient else None,
        ),
        result=prediction,
        next_steps=NextStepRulesService(session)
        .current()
        .table.evaluate(prediction, study.modality, study.priority, reading),
        patient=patient_label(patient) if patient else None,
        reading=reading,
    )


def read_reading(session: Session, study_id: UUID) -> Reading | None:
    """What readers came to last. It holds when the model has answered again since: they read the scan, not the model."""
    review = latest_final(session, study_id)
    if review is None or review.decided_at is None:
        return None
    rows = session.execute(select(User.id, User.name).where(User.id.in_(review.reader_ids)))
    names = {user_id: name for user_id, name in rows}
    return Reading(
        finding=review.finding,
        subtype=review.subtype,
        readers=tuple(names[reader] for reader in review.reader_ids if reader in names),
        decided_at=review.decided_at,
    )
