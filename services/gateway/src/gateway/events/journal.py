"""Writing events: in the transaction of the change that they tell of, as its very last statements.

A browser resumes after the last id that it saw, so ids must become visible in their own order. Sequence
numbers alone do not: a transaction may take 7 and commit after the one that took 8. Events are therefore
collected while a transaction works and written just before its commit, under one advisory lock that is held
until the commit is done. All other locks are taken by then, so this one cannot be part of a deadlock; and
PostgreSQL serialises commits that NOTIFY anyway, so it costs no concurrency that was there.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from gateway.events.models import EventRow
from gateway.events.schemas import EventRecord, StudyEvent

CHANNEL: Final = "ictus_events"
_ORDER_LOCK: Final = 0x1C705E  # any number that no other advisory lock of this database uses
_PENDING: Final = "gateway.events.pending"


def announce(session: Session, site_id: UUID, study_event: StudyEvent) -> None:
    """Have an event written and sent when ``session`` commits; a rollback drops it."""
    session.info.setdefault(_PENDING, []).append((site_id, study_event))


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    pending: list[tuple[UUID, StudyEvent]] = session.info.pop(_PENDING, [])
    if not pending:
        return
    session.flush()
    session.execute(select(func.pg_advisory_xact_lock(_ORDER_LOCK)))
    for site_id, study_event in pending:
        row = EventRow(
            site_id=site_id,
            study_id=study_event.study_id,
            at=study_event.at,
            body=study_event.model_dump(mode="json", exclude_none=True),
        )
        session.add(row)
        session.flush()
        record = EventRecord(id=row.id, site_id=site_id, event=study_event)
        session.execute(select(func.pg_notify(CHANNEL, record.model_dump_json(exclude_none=True))))


@event.listens_for(Session, "after_rollback")
def _drop(session: Session) -> None:
    session.info.pop(_PENDING, None)
