"""Whether a study was erased, and keeping it from being erased meanwhile."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback.erasure.models import ErasedStudy


def hold_study(session: Session, study_id: UUID) -> None:
    """Let nobody else store a result of this study, or erase it, until the transaction ends."""
    key = func.hashtextextended(str(study_id), 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def is_erased(session: Session, study_id: UUID) -> bool:
    """Whether the study was erased."""
    return session.get(ErasedStudy, study_id) is not None
