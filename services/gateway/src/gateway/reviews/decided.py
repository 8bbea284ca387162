"""What readers came to, read from the gateway's copies of reviews."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.reviews.models import StudyReview
from ictus.domain.enums import ReviewState


def latest_final(session: Session, study_id: UUID) -> StudyReview | None:
    """The review of the study that was decided last, whichever result it was about."""
    return session.scalar(
        select(StudyReview)
        .where(StudyReview.study_id == study_id, StudyReview.state == ReviewState.FINAL)
        .order_by(StudyReview.decided_at.desc())
        .limit(1)
    )
