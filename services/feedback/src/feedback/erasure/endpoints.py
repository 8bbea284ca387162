"""``/internal/v1/studies``: erasure."""

from uuid import UUID

from fastapi import APIRouter, status

from feedback.callers import GATEWAY, only
from feedback.deps import Clock, DbSession
from feedback.erasure.service import erase_study

router = APIRouter(prefix="/studies", tags=["erasure"], dependencies=[only(GATEWAY)])


@router.delete("/{study_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Erase a study")
def erase(study_id: UUID, session: DbSession, clock: Clock) -> None:
    """Remove everything about a study for good, and take nothing about it any more. Safe to repeat."""
    erase_study(session, study_id, clock())
