"""The SQL of reviews."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from feedback.cursor import Key
from feedback.reviews.agreement import Table
from feedback.reviews.models import WAITING, StoredReview, StoredVerdict
from feedback.reviews.policy import state_at_first
from feedback.reviews.queue import learning_value, urgency_of
from ictus.contracts.reviews import ReviewFilter, ReviewItem
from ictus.domain.enums import ReviewState

QUEUE_KEY = (
    StoredReview.urgency,
    StoredReview.learning_rank,
    StoredReview.predicted_at,
    StoredReview.job_id,
)
NEWEST_KEY = (StoredReview.predicted_at, StoredReview.job_id)
DECIDED_KEY = (StoredReview.decided_at, StoredReview.job_id)


class ReviewRepository:
    """Reviews within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def insert(self, item: ReviewItem, now: datetime) -> bool:
        """Store a new result unless its job has one; whether it was new."""
        inserted = self._session.scalar(
            insert(StoredReview)
            .values(
                **item.model_dump(exclude={"schema_version", "key_slices", "slice_scores"}),
                key_slices=list(item.key_slices),
                slice_scores=list(item.slice_scores),
                urgency=int(urgency_of(item)),
                learning_rank=-learning_value(item),
                stored_at=now,
                state=state_at_first(item),
                revision=0,
            )
            .on_conflict_do_nothing(index_elements=["job_id"])
            .returning(StoredReview.job_id)
        )
        return inserted is not None

    def find(self, job_id: UUID) -> StoredReview | None:
        """A review."""
        return self._session.get(StoredReview, job_id)

    def lock(self, job_id: UUID) -> StoredReview | None:
        """A review as it is now, kept from others until the transaction ends."""
        return self._session.get(StoredReview, job_id, with_for_update=True, populate_existing=True)

    def page(
        self, site_id: UUID, which: ReviewFilter, after: Key | None, limit: int
    ) -> Sequence[StoredReview]:
        """A site's reviews behind ``after``, read from the index of their order."""
        return self._session.scalars(page_query(site_id, which, after, limit)).all()

    def pairs_of_readers(self, site_id: UUID | None, since: datetime | None) -> Table:
        """What two readers of one result said, the earlier first."""
        one, other = aliased(StoredVerdict), aliased(StoredVerdict)
        both = and_(
            other.job_id == one.job_id,
            tuple_(one.given_at, one.verdict_id) < tuple_(other.given_at, other.verdict_id),
        )
        query = (
            select(one.finding, other.finding, func.count())
            .join(other, both)
            .join(StoredReview, StoredReview.job_id == one.job_id)
            .where(*_given(one.given_at, site_id, since))
            .group_by(one.finding, other.finding)
        )
        return {(left, right): count for left, right, count in self._session.execute(query)}

    def readers_and_model(self, site_id: UUID | None, since: datetime | None) -> Table:
        """What readers and the model said, where the model had a finding."""
        query = (
            select(StoredVerdict.finding, StoredReview.finding, func.count())
            .join(StoredReview, StoredReview.job_id == StoredVerdict.job_id)
            .where(StoredReview.finding.is_not(None), *_given(StoredVerdict.given_at, site_id, since))
            .group_by(StoredVerdict.finding, StoredReview.finding)
        )
        return {(reader, model): count for reader, model, count in self._session.execute(query)}

    def count_verdicts(self, site_id: UUID | None, since: datetime | None) -> int:
        """Verdicts given since then."""
        query = (
            select(func.count())
            .select_from(StoredVerdict)
            .join(StoredReview, StoredReview.job_id == StoredVerdict.job_id)
        )
        return self._count(query.where(*_given(StoredVerdict.given_at, site_id, since)))

    def count_waiting(self, site_id: UUID | None) -> int:
        """Reviews that wait for a reader."""
        query = select(func.count()).select_from(StoredReview)
        return self._count(query.where(StoredReview.state.in_(WAITING), *_of_site(site_id)))

    def count_final(self, site_id: UUID | None, since: datetime | None, *, corrected: bool = False) -> int:
        """Reviews decided since then; only those decided against the model when ``corrected``."""
        query = (
            select(func.count())
            .select_from(StoredReview)
            .where(StoredReview.state == ReviewState.FINAL, *_given(StoredReview.decided_at, site_id, since))
        )
        return self._count(query.where(StoredReview.agrees_with_model.is_(False)) if corrected else query)

    def _count(self, query: Select[int]) -> int:
        return self._session.scalar(query) or 0


def page_query(site_id: UUID, which: ReviewFilter, after: Key | None, limit: int) -> Select[StoredReview]:
    """The query of a page; each order has an index that serves it."""
    query = select(StoredReview).where(StoredReview.site_id == site_id)
    match which:
        case ReviewFilter.WAITING:
            # the states are spelt out, as they are in the partial index, so that the planner sees that it fits
            query = query.where(StoredReview.state.in_(WAITING)).order_by(*QUEUE_KEY)
            if after is not None:
                query = query.where(tuple_(*QUEUE_KEY) > tuple(after))
        case ReviewFilter.FINAL:
            query = query.where(StoredReview.state == ReviewState.FINAL)
            query = _newest_first(query, DECIDED_KEY, after)
        case ReviewFilter.ALL:
            query = _newest_first(query, NEWEST_KEY, after)
    return query.limit(limit)


def _newest_first(
    query: Select[StoredReview], key: Sequence[SQLColumnExpression[Any]], after: Key | None
) -> Select[StoredReview]:
    if after is not None:
        query = query.where(tuple_(*key) < tuple(after))
    return query.order_by(*(column.desc() for column in key))


def _of_site(site_id: UUID | None) -> list[ColumnElement[bool]]:
    return [] if site_id is None else [StoredReview.site_id == site_id]


def _given(
    at: SQLColumnExpression[datetime | None] | SQLColumnExpression[datetime],
    site_id: UUID | None,
    since: datetime | None,
) -> list[ColumnElement[bool]]:
    return [*_of_site(site_id), *([] if since is None else [at >= since])]
