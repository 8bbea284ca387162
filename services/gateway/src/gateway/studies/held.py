"""Held studies: an admin of their site releases them to analysis, or rejects and so erases them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.jobs.service import JobService
from gateway.pulls.arrival import waiting_order
from gateway.studies.erasure import StudyErasure
from gateway.studies.errors import StudyNotHeldError
from gateway.studies.models import ErasureReason, Study, StudyState
from gateway.studies.repository import StudyRepository
from ictus.domain.errors import NotFoundError


class HeldStudies:
    """The held studies of one site within ``session``'s transaction."""

    def __init__(self, session: Session, site_id: UUID) -> None:
        self._session = session
        self._site_id = site_id
        self._studies = StudyRepository(session)

    def all(self, limit: int) -> Sequence[Study]:
        """The longest held first."""
        return self._studies.held(self._site_id, limit)

    def release(self, study_id: UUID, jobs: JobService, admin_id: UUID) -> Study:
        """Let a study be analysed. Its hold reasons stay on record; an order that it was fetched for is answered. Raises ``StudyNotHeldError``."""
        study = self._held(study_id)
        jobs.enqueue(study, admin_id, job_id=waiting_order(self._session, study_id))
        return study

    def reject(self, study_id: UUID, erasure: StudyErasure, admin_id: UUID) -> None:
        """Erase a study: rows now, objects with the next sweep at the latest. Raises ``StudyNotHeldError``."""
        erasure.erase(self._held(study_id).id, ErasureReason.REJECTED, admin_id)

    def _held(self, study_id: UUID) -> Study:
        study = self._studies.get(self._site_id, study_id, lock=True)
        if study is None:
            raise NotFoundError("There is no such study.")
        if study.state is not StudyState.HELD:
            raise StudyNotHeldError
        return study
