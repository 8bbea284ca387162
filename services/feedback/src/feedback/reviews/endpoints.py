"""``/internal/v1/review-items``: what the gateway tells and asks about results that wait for a reader."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, status

from feedback.deps import Clock, DbSession
from feedback.reviews.repository import QueuePosition, ReviewItemRepository
from ictus.contracts.reviews import ReviewItem, ReviewItemPage
from ictus.domain.errors import ConflictError, InvalidRequestError
from ictus.http import problems

router = APIRouter(prefix="/review-items", tags=["reviews"])


class OtherJobError(InvalidRequestError):
    """The address names another job than the item."""

    code = "other_job"
    title = "The review item belongs to another job than the address names."


class ReviewItemDiffersError(ConflictError):
    """The job has a review item already, and it says something else."""

    code = "review_item_differs"
    title = "This job already has a review item that says something else."


class CursorRefusedError(InvalidRequestError):
    """The cursor did not come from a page of this list."""

    code = "cursor_refused"
    title = "The list cannot go on from there. Start again from its beginning."


@router.put(
    "/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Have a result reviewed",
    responses=problems(OtherJobError, ReviewItemDiffersError),
)
def put_review_item(job_id: UUID, item: ReviewItem, session: DbSession, clock: Clock) -> None:
    """Put a result into its site's queue. The same item again changes nothing."""
    if item.job_id != job_id:
        raise OtherJobError
    if ReviewItemRepository(session).put(item, clock()) != item:
        raise ReviewItemDiffersError


@router.get("", summary="List results that wait for a reader", responses=problems(CursorRefusedError))
def list_review_items(
    site_id: UUID,
    session: DbSession,
    state: Literal["open"] = "open",  # noqa: ARG001  the only state until verdicts exist
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> ReviewItemPage:
    """A page of a site's queue, most urgent first, then longest waiting."""
    after = None if cursor is None else _position(cursor)
    stored = ReviewItemRepository(session).queue(site_id, after, limit + 1)
    shown = stored[:limit]
    return ReviewItemPage(
        items=tuple(one.as_contract() for one in shown),
        next_cursor=_cursor(QueuePosition.of(shown[-1])) if len(stored) > limit else None,
    )


def _cursor(position: QueuePosition) -> str:
    members = [position.urgency, position.predicted_at.isoformat(), position.job_id.hex]
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode()


def _position(cursor: str) -> QueuePosition:
    try:
        urgency, predicted_at, job_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(predicted_at)
        if not 0 <= urgency < 2**15 or moment.tzinfo is None:
            raise CursorRefusedError
        return QueuePosition(int(urgency), moment, UUID(hex=job_id))
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise CursorRefusedError from error
