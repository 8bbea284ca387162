"""The gateway's copies of reviews: lists, reports and the worklist's order need no other service."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.deliveries.queueing import queue_deliveries
from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.results.service import latest_result
from gateway.reviews.decided import latest_final
from gateway.reviews.models import StudyReview
from gateway.studies.models import Study
from gateway.studies.repository import StudyRepository
from gateway.studies.urgency import urgency_of
from ictus.contracts.reviews import Review
from ictus.domain.enums import ReviewState


def note_reviews(session: Session, site_id: UUID, reviews: Iterable[Review], now: datetime) -> None:
    """Take over what the feedback service said, where it is newer than the copy: carry it to the study, tell listeners.

    This makes good for an answer of the feedback service that was lost on its way when a verdict was given.
    """
    judged = {review.item.job_id: review for review in reviews if review.revision > 0}
    known = {
        copy.job_id: copy.revision
        for copy in session.scalars(select(StudyReview).where(StudyReview.job_id.in_(judged)))
    }
    for job_id, review in judged.items():
        if known.get(job_id, 0) < review.revision:
            _note(session, site_id, review, now)


def _note(session: Session, site_id: UUID, review: Review, now: datetime) -> None:
    study = StudyRepository(session).get(site_id, review.item.study_id, lock=True)
    if study is None:
        return  # erased meanwhile
    copy = session.get(StudyReview, review.item.job_id, populate_existing=True)
    if copy is None:
        copy = StudyReview(job_id=review.item.job_id, study_id=study.id, revision=0)
        session.add(copy)
    if copy.revision >= review.revision:
        return
    copy.state, copy.revision = review.state, review.revision
    copy.finding, copy.subtype = review.final_finding, review.final_subtype
    copy.agrees_with_model, copy.decided_at = review.agrees_with_model, review.decided_at
    copy.reader_ids = list(dict.fromkeys(verdict.reader_id for verdict in review.verdicts))
    session.flush()
    _show(session, study, copy, now)


def _show(session: Session, study: Study, copy: StudyReview, now: datetime) -> None:
    result = latest_result(session, study.id)
    if result is not None and result.job_id == copy.job_id:
        study.review_state = copy.state
    final = latest_final(session, study.id)
    if final is not None:
        study.reviewed_finding, study.reviewed_at = final.finding, final.decided_at
    study.urgency = urgency_of(study)
    if result is not None and copy.state is ReviewState.FINAL:
        queue_deliveries(session, study, result, now)
    announce(
        session,
        study.site_id,
        StudyEvent(
            kind=EventKind.REVIEW_CHANGED,
            study_id=study.id,
            at=now,
            job_id=copy.job_id,
            review_state=copy.state,
            finding=copy.finding,
        ),
    )
