"""The SQL of review items."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.reviews.models import StoredReviewItem
from feedback.reviews.urgency import urgency_of
from ictus.contracts.reviews import ReviewItem


class QueuePosition(NamedTuple):
    """The sort key of an item, after which the next page goes on."""

    urgency: int
    predicted_at: datetime
    job_id: UUID

    @classmethod
    def of(cls, stored: StoredReviewItem) -> Self:
        """Where an item stands."""
        return cls(stored.urgency, stored.predicted_at, stored.job_id)


class ReviewItemRepository:
    """Review items within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, item: ReviewItem, now: datetime) -> ReviewItem:
        """Store an item unless its job has one; what is stored now."""
        self._session.execute(
            insert(StoredReviewItem)
            .values(
                **item.model_dump(exclude={"schema_version"}), urgency=int(urgency_of(item)), stored_at=now
            )
            .on_conflict_do_nothing(index_elements=["job_id"])
        )
        return self._session.get_one(StoredReviewItem, item.job_id).as_contract()

    def queue(self, site_id: UUID, after: QueuePosition | None, limit: int) -> Sequence[StoredReviewItem]:
        """A site's items that wait for a reader, most urgent first, read from the index in its order."""
        key = (StoredReviewItem.urgency, StoredReviewItem.predicted_at, StoredReviewItem.job_id)
        query = select(StoredReviewItem).where(StoredReviewItem.site_id == site_id)
        if after is not None:
            query = query.where(tuple_(*key) > after)
        return self._session.scalars(query.order_by(*key).limit(limit)).all()
