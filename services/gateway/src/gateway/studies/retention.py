"""Erasing what has been kept long enough, where the installation says how long that is. Off unless it does.

What somebody still has to look at is never erased: a study that is held or being analysed, an open review, a likely stroke
that nobody took on, an answer that another system has not got yet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.deliveries.models import OPEN, Delivery
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from gateway.studies.erasure import StudyErasure
from gateway.studies.models import ErasureReason, Study, StudyState
from gateway.triage.models import Alert
from ictus.domain.enums import ReviewState

_ENDED: Final = (StudyState.COMPLETED, StudyState.FAILED, StudyState.CANCELLED)
_OPEN_REVIEWS: Final = (ReviewState.OPEN, ReviewState.SECOND_READER, ReviewState.CONFLICT)
_LAST: Final = func.greatest(Study.received_at, Study.completed_at, Study.reviewed_at)
"""When something last happened to a study; PostgreSQL's ``greatest`` leaves out what is null."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long studies are kept since something last happened to them; None: for ever.

    Attributes:
        studies: that no reader has decided.
        decided: that readers have decided: cases of which the model learned from or may.
    """

    studies: timedelta | None
    decided: timedelta | None

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The installation's."""
        studies, decided = settings.retention_days, settings.retention_decided_days
        return cls(
            studies=None if studies is None else timedelta(days=studies),
            decided=timedelta(days=kept) if (kept := studies if decided is None else decided) else None,
        )

    def over(self, now: datetime) -> ColumnElement[bool] | None:
        """The condition on studies whose time is over; None when every study is kept."""
        is_decided = Study.review_state == ReviewState.FINAL
        parts = [
            and_(which, now - kept >= _LAST)
            for which, kept in ((is_decided.is_not(True), self.studies), (is_decided, self.decided))
            if kept is not None
        ]
        return or_(*parts) if parts else None


def expired_studies(session: Session, retention: Retention, now: datetime, most: int) -> list[UUID]:
    """Up to ``most`` studies whose time is over and that nobody still has to look at, the oldest first."""
    over = retention.over(now)
    if over is None:
        return []
    return list(
        session.scalars(
            select(Study.id).where(over, *_nobody_waits()).order_by(Study.received_at).limit(most)
        )
    )


def erase_expired(resources: Resources, *, most: int) -> int:
    """Erase up to ``most`` studies whose time is over, each in a transaction of its own; how many."""
    retention, now = Retention.of(resources.settings), resources.clock()
    with resources.sessions() as session:
        due = expired_studies(session, retention, now, most)
    return sum(_erase(resources, study_id, retention, now) for study_id in due)


def _erase(resources: Resources, study_id: UUID, retention: Retention, now: datetime) -> bool:
    """Erase one study, unless something has happened to it in this moment."""
    over = retention.over(now)
    with resources.sessions.begin() as session:
        JobRepository(session).lock_all_of(study_id)  # before the study, as an answer does
        asked = select(Study).where(Study.id == study_id, *_nobody_waits()).with_for_update(of=Study)
        study = session.scalar(asked if over is None else asked.where(over))
        if study is None:
            return False
        site_id, zombie_after = study.site_id, JobPolicy.of(resources.settings).zombie_after
        StudyErasure(session, site_id, now, zombie_after).erase(study_id, ErasureReason.RETENTION_ENDED, None)
        audit = AuditEntry("study.erase", "study", study_id, ActorKind.SYSTEM, site_id=site_id)
        audit.detail["reason"] = ErasureReason.RETENTION_ENDED.value
        audit.write(session, now)
    return True


def _nobody_waits() -> tuple[ColumnElement[bool], ...]:
    alerts = select(Alert.study_id).where(Alert.acknowledged_at.is_(None))
    deliveries = select(Delivery.study_id).where(Delivery.state.in_(OPEN))
    return (
        Study.state.in_(_ENDED),
        or_(Study.review_state.is_(None), Study.review_state.not_in(_OPEN_REVIEWS)),
        Study.id.not_in(alerts),
        Study.id.not_in(deliveries),
    )
