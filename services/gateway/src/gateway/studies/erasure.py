"""Erasing a study: rows at once, objects with the next sweep, the feedback service through the outbox.

A tombstone stays: that there was such a study, and who erased it when and why. The same bytes sent again are a new
study.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, cast, exists, select, tuple_
from sqlalchemy.orm import Session

from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.jobs.repository import JobRepository
from gateway.results.models import OutboxMessage, OutboxTopic
from gateway.results.outbox import forget_results, tell_of_erasure
from gateway.studies.models import ErasedStudy, ErasureReason, ObjectRemoval
from gateway.studies.repository import StudyRepository
from gateway.studies.schemas import Erasure
from ictus.domain.errors import NotFoundError
from ictus.storage.keys import result_prefix, study_prefix


class StudyErasure:
    """Erasures at one site within ``session``'s transaction.

    Args:
        session: committed by the caller.
        site_id: of the administrator; another site's study is not found.
        now: the time of this request.
        zombie_after: how long a worker that lost its job may still store objects.
    """

    def __init__(self, session: Session, site_id: UUID, now: datetime, zombie_after: timedelta) -> None:
        self._session = session
        self._site_id = site_id
        self._now = now
        self._zombie_after = zombie_after
        self._studies = StudyRepository(session)

    def erase(self, study_id: UUID, reason: ErasureReason, by: UUID | None) -> None:
        """Erase a study with everything that was derived from it; nobody does when its time is over.

        Raises ``NotFoundError``.
        """
        jobs = JobRepository(self._session).lock_all_of(study_id)  # before the study, as an answer does
        study = self._studies.get(self._site_id, study_id, lock=True)
        if study is None:
            raise NotFoundError("There is no such study.")
        self._studies.note_removal(study_prefix(study.id), self._now)
        for job in jobs:
            if not job.state.is_final:
                # Its worker has not heard yet, and may store pictures that the first removal does not see.
                self._studies.note_removal(
                    result_prefix(study.id, job.id, job.fence), self._now + self._zombie_after
                )
        forget_results(self._session, [job.id for job in jobs])
        tell_of_erasure(self._session, study.id, self._now)
        self._session.add(
            ErasedStudy(
                study_id=study.id, site_id=study.site_id, erased_at=self._now, erased_by=by, reason=reason
            )
        )
        self._session.delete(study)
        erased = StudyEvent(kind=EventKind.STUDY_ERASED, study_id=study.id, at=self._now)
        announce(self._session, study.site_id, erased)

    def page(self, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Erasure]:
        """The site's erased studies, the latest first, and how far each erasure is."""
        removal = exists().where(
            ObjectRemoval.prefix.startswith("studies/" + cast(ErasedStudy.study_id, Text) + "/")
        )
        telling = exists().where(
            OutboxMessage.topic == OutboxTopic.STUDY_ERASED,
            OutboxMessage.subject_id == ErasedStudy.study_id,
            OutboxMessage.delivered_at.is_(None),
        )
        query = (
            select(ErasedStudy, ~removal, ~telling)
            .where(ErasedStudy.site_id == self._site_id)
            .order_by(ErasedStudy.erased_at.desc(), ErasedStudy.study_id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(ErasedStudy.erased_at, ErasedStudy.study_id) < before)
        return [
            Erasure(
                study_id=stone.study_id,
                erased_at=stone.erased_at,
                erased_by=stone.erased_by,
                reason=stone.reason,
                objects_removed=removed,
                feedback_told=told,
            )
            for stone, removed, told in self._session.execute(query)
        ]
