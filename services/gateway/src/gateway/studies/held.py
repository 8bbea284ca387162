"""Held studies: an admin of their site releases them to analysis, or rejects and so erases them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.jobs.service import JobService
from gateway.studies.errors import StudyNotHeldError
from gateway.studies.models import Study, StudyState
from gateway.studies.repository import StudyRepository
from ictus.domain.errors import NotFoundError
from ictus.storage.keys import study_prefix


class HeldStudies:
    """The held studies of one site within ``session``'s transaction."""

    def __init__(self, session: Session, site_id: UUID, now: datetime) -> None:
        self._session = session
        self._site_id = site_id
        self._now = now
        self._studies = StudyRepository(session)

    def all(self, limit: int) -> Sequence[Study]:
        """The longest held first."""
        return self._studies.held(self._site_id, limit)

    def release(self, study_id: UUID, jobs: JobService, admin_id: UUID) -> Study:
        """Let a study be analysed. Its hold reasons stay on record. Raises ``StudyNotHeldError``."""
        study = self._held(study_id)
        jobs.enqueue(study, admin_id)
        return study

    def reject(self, study_id: UUID) -> None:
        """Erase a study: rows now, objects with the next sweep at the latest. Raises ``StudyNotHeldError``."""
        study = self._held(study_id)
        self._studies.note_removal(study_prefix(study.id), self._now)
        self._session.delete(study)
        erased = StudyEvent(kind=EventKind.STUDY_ERASED, study_id=study.id, at=self._now)
        announce(self._session, study.site_id, erased)

    def _held(self, study_id: UUID) -> Study:
        study = self._studies.get(self._site_id, study_id, lock=True)
        if study is None:
            raise NotFoundError("There is no such study.")
        if study.state is not StudyState.HELD:
            raise StudyNotHeldError
        return study
