"""``/internal/v1``: what the gateway tells and asks about results, verdicts and agreement."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, status
from pydantic import AwareDatetime

from feedback.callers import GATEWAY, only
from feedback.cases.embeddings import ReadsObjects, SliceEmbeddings, read_embeddings
from feedback.cases.service import CaseService
from feedback.cursor import Cursor, CursorRefusedError, Key, PageSize, decode_cursor, encode_cursor
from feedback.deps import Clock, DbSession, Objects, PolicyInForce
from feedback.reviews.agreement import agreement_figure
from feedback.reviews.errors import (
    OtherJobError,
    ReviewChangedError,
    ReviewFinalError,
    ReviewItemDiffersError,
    SliceUnknownError,
    StudyErasedError,
    VerdictContradictsItselfError,
)
from feedback.reviews.models import StoredReview
from feedback.reviews.repository import DECIDED_KEY, NEWEST_KEY, QUEUE_KEY, ReviewRepository
from feedback.reviews.service import ReviewService
from ictus.contracts.reviews import Agreement, Review, ReviewFilter, ReviewItem, ReviewPage, VerdictRequest
from ictus.domain.errors import IctusError, NotFoundError
from ictus.http import problems

router = APIRouter(tags=["reviews"], dependencies=[only(GATEWAY)])
_log = structlog.get_logger(__name__)

_KEYS = {
    ReviewFilter.WAITING: (QUEUE_KEY, (int, float, datetime, UUID)),
    ReviewFilter.ALL: (NEWEST_KEY, (datetime, UUID)),
    ReviewFilter.FINAL: (DECIDED_KEY, (datetime, UUID)),
}


@router.put(
    "/review-items/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Have a result reviewed",
    responses=problems(OtherJobError, ReviewItemDiffersError, StudyErasedError),
)
def put_review_item(
    job_id: UUID, item: ReviewItem, session: DbSession, policy: PolicyInForce, clock: Clock
) -> None:
    """Take a result, for its site's queue or for whoever asks for it. The same again changes nothing."""
    if item.job_id != job_id:
        raise OtherJobError
    ReviewService(session, policy, CaseService(session, policy), clock).put(item)


@router.get("/reviews", summary="List reviews", responses=problems(CursorRefusedError))
def list_reviews(
    site_id: UUID,
    session: DbSession,
    state: ReviewFilter = ReviewFilter.WAITING,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> ReviewPage:
    """A page of a site's reviews: those that wait in the order in which to read them, others newest first."""
    key, kinds = _KEYS[state]
    after = None if cursor is None else decode_cursor(cursor, kinds)
    stored = ReviewRepository(session).page(site_id, state, after, limit + 1)
    shown = stored[:limit]

    def place(review: StoredReview) -> Key:
        return [getattr(review, column.key) for column in key]

    return ReviewPage(
        items=tuple(review.as_contract() for review in shown),
        next_cursor=encode_cursor(place(shown[-1])) if len(stored) > limit else None,
    )


@router.get("/reviews/{job_id}", summary="Read a review", responses=problems(NotFoundError))
def read_review(job_id: UUID, session: DbSession, policy: PolicyInForce, clock: Clock) -> Review:
    """What readers said of one result so far."""
    service = ReviewService(session, policy, CaseService(session, policy), clock)
    return service.get(job_id).as_contract()


@router.post(
    "/reviews/{job_id}/verdicts",
    summary="Give a verdict",
    responses=problems(
        NotFoundError, ReviewChangedError, ReviewFinalError, VerdictContradictsItselfError, SliceUnknownError
    ),
)
def give_verdict(
    job_id: UUID,
    request: VerdictRequest,
    session: DbSession,
    objects: Objects,
    policy: PolicyInForce,
    clock: Clock,
) -> Review:
    """Take a reader's verdict down, and make a case of the result when it is decided and is to be learned from."""
    service = ReviewService(session, policy, CaseService(session, policy), clock)
    key = service.get(job_id).embedding_key
    session.commit()  # no transaction waits for the object store
    embeddings = None if key is None else _embeddings_if_there(objects, key)
    return service.judge(job_id, request, embeddings).as_contract()


@router.get("/agreement", summary="How far readers and the model agree")
def read_agreement(
    session: DbSession,
    site_id: UUID | None = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
) -> Agreement:
    """Of one site or of all, since a moment or since ever."""
    reviews = ReviewRepository(session)
    return Agreement(
        since=since,
        verdicts=reviews.count_verdicts(site_id, since),
        waiting=reviews.count_waiting(site_id),
        final=reviews.count_final(site_id, since),
        corrected=reviews.count_final(site_id, since, corrected=True),
        reader_reader=agreement_figure(reviews.pairs_of_readers(site_id, since)),
        reader_model=agreement_figure(reviews.readers_and_model(site_id, since)),
    )


def _embeddings_if_there(objects: ReadsObjects, key: str) -> SliceEmbeddings | None:
    """A verdict is taken whether or not the object store answers: its case then waits for the embeddings."""
    try:
        return read_embeddings(objects, key)
    except IctusError as error:
        _log.warning("embeddings_not_read", code=error.code)
        return None
