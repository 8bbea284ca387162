"""``/api/v1/reviews`` and ``/api/v1/studies/{study_id}/review``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from gateway.auth.models import Scope
from gateway.cursor import CursorError
from gateway.deliveries.tasks import ring_after_commit
from gateway.deps import (
    AuditEntry,
    Caller,
    Cipher,
    Clock,
    DbSession,
    Resources,
    api_router,
    audited,
    requires,
)
from gateway.paging import Cursor, Page, PageSize
from gateway.reviews.errors import ReviewChangedError, ReviewNotReadyError, VerdictRefusedError
from gateway.reviews.schemas import ReviewDetail, ReviewLine, VerdictDraft
from gateway.reviews.service import ReviewService
from ictus.contracts.reviews import Agreement, ReviewFilter
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError
from ictus.http import problems

queue = api_router("/reviews", tag="reviews")
of_studies = api_router("/studies", tag="reviews")


Queue = Annotated[Caller, requires(Role.RADIOLOGIST, Role.ADMIN, scope=Scope.REVIEWS_READ)]
Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.REVIEWS_READ)]
Radiologist = Annotated[Caller, requires(Role.RADIOLOGIST)]


def _reviews(
    caller: Caller, session: DbSession, resources: Resources, cipher: Cipher, clock: Clock
) -> ReviewService:
    return ReviewService(session, resources.feedback, caller, cipher, clock())


@queue.get(
    "",
    summary="List reviews",
    dependencies=[audited("review.list", "review")],
    responses=problems(CursorError),
)
def list_reviews(
    caller: Queue,
    session: DbSession,
    resources: Resources,
    cipher: Cipher,
    clock: Clock,
    state: Annotated[ReviewFilter, Query(description="Those that wait for a reader, all, or final ones.")] = (
        ReviewFilter.WAITING
    ),
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[ReviewLine]:
    """The site's results: the most urgent first, then what the model would learn most from, then the longest waiting."""
    return _reviews(caller, session, resources, cipher, clock).page(state, cursor, limit)


@queue.get(
    "/agreement",
    summary="See how often readers agree",
    dependencies=[audited("review.read_agreement", "review")],
)
def read_agreement(
    caller: Queue,
    session: DbSession,
    resources: Resources,
    cipher: Cipher,
    clock: Clock,
    since: AwareDatetime | None = None,
) -> Agreement:
    """With each other and with the model, over the site's reviews: counts and Cohen's kappa."""
    return _reviews(caller, session, resources, cipher, clock).agreement(since)


@of_studies.get(
    "/{study_id}/review",
    summary="Read a study's review",
    dependencies=[audited("review.read", "study")],
    responses=problems(NotFoundError, ReviewNotReadyError),
)
def read_review(
    study_id: UUID, caller: Reader, session: DbSession, resources: Resources, cipher: Cipher, clock: Clock
) -> ReviewDetail:
    """The review of the latest result, with what the model said and what readers said of it."""
    return _reviews(caller, session, resources, cipher, clock).of_study(study_id)


@of_studies.post(
    "/{study_id}/review/verdicts",
    summary="Give a verdict",
    responses=problems(NotFoundError, ReviewNotReadyError, ReviewChangedError, VerdictRefusedError),
)
def give_verdict(
    study_id: UUID,
    draft: VerdictDraft,
    caller: Radiologist,
    session: DbSession,
    resources: Resources,
    cipher: Cipher,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("review.judge", "study")],
) -> ReviewDetail:
    """Agree with the latest result or correct it. A reader's second verdict on it replaces the first."""
    audit.detail.update(job_id=str(draft.job_id), agrees=draft.agrees, revision=draft.expected_revision)
    review = _reviews(caller, session, resources, cipher, clock).judge(study_id, draft)
    audit.detail.update(state=review.state)
    ring_after_commit(session, resources.celery)
    return review


router = APIRouter()
router.include_router(queue)
router.include_router(of_studies)
