"""Removing objects that no study refers to any more, or never did."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from gateway.studies.models import ObjectRemoval
from ictus.storage import ObjectStore


def remove_due_objects(
    sessions: sessionmaker[Session], store: ObjectStore, now: datetime, *, most: int
) -> int:
    """Empty up to ``most`` prefixes whose time has come; how many.

    The note is deleted only with the objects gone, so a failure is repeated. While it is locked here, no
    upload can make the objects part of a study (``StudyService.accept`` deletes the same row).
    """
    for removed in range(most):
        with sessions.begin() as session:
            note = session.scalar(
                select(ObjectRemoval)
                .where(ObjectRemoval.remove_after <= now)
                .order_by(ObjectRemoval.remove_after)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if note is None:
                return removed
            store.delete_prefix(note.prefix)
            session.delete(note)
    return most
