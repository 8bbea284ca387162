"""From received instances to the end of the pulls that asked for them; called where received studies are completed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, select
from sqlalchemy.orm import Session

from gateway.jobs.models import Job
from gateway.pulls.models import OPEN, Pull, PullState
from gateway.pulls.outcome import note_done, note_failed
from ictus.domain.enums import Priority
from ictus.domain.errors import IctusError


def is_being_fetched(
    site_id: SQLColumnExpression[UUID], study_uid: SQLColumnExpression[str], now: datetime
) -> ColumnElement[bool]:
    """Whether somebody fetches this study at the moment: then it is not complete, however quiet it is."""
    return exists().where(
        Pull.site_id == site_id,
        Pull.study_uid == study_uid,
        Pull.state == PullState.RUNNING,
        Pull.fetched_at.is_(None),
        Pull.lease_expires_at > now,
    )


class Arrivals:
    """The pulls that brought one received study."""

    def __init__(self, session: Session, incoming_id: UUID) -> None:
        self._session = session
        query = select(Pull).where(Pull.incoming_id == incoming_id).order_by(Pull.created_at)
        self._pulls: Sequence[Pull] = session.scalars(query.with_for_update()).all()

    @property
    def priority(self) -> Priority:
        """The most urgent that was asked for."""
        urgent = any(pull.priority is Priority.STAT for pull in self._pulls)
        return Priority.STAT if urgent else Priority.ROUTINE

    @property
    def order(self) -> Pull | None:
        """The first of them that a ServiceRequest asked for, unless it has its analysis."""
        orders = (pull for pull in self._pulls if pull.is_order)
        return next((pull for pull in orders if self._session.get(Job, pull.id) is None), None)

    def note_accepted(self, study_id: UUID, now: datetime) -> None:
        """They are done; one too whose study was refused at first and taken when an administrator tried again."""
        for pull in self._pulls:
            if pull.state is not PullState.DONE:
                note_done(self._session, pull, study_id, now)

    def note_refused(self, error: IctusError, now: datetime) -> None:
        """What they brought cannot be analysed."""
        for pull in self._pulls:
            if pull.state in OPEN:
                note_failed(self._session, pull, error, now)


def waiting_order(session: Session, study_id: UUID) -> UUID | None:
    """The order that a study was fetched for and that has no analysis yet, since the study was held."""
    has_job = exists().where(Job.id == Pull.id)
    query = select(Pull.id).where(Pull.study_id == study_id, Pull.is_order, ~has_job)
    return session.scalar(query.order_by(Pull.created_at).limit(1))
