"""The SQL of cases."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.orm import Session

from feedback.cases.models import CaseRecord, CaseSlice, EmbeddingState
from feedback.cursor import Key
from feedback.datasets.models import DatasetMember, DatasetRecord
from feedback.vectors import Float16, cosine_distance
from ictus.contracts.cases import CaseSummary
from ictus.domain.enums import Finding

PAGE_KEY = (CaseRecord.created_at, CaseRecord.case_id)


class CaseRepository:
    """Cases within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, site_id: UUID, after: Key | None, limit: int) -> Sequence[CaseRecord]:
        """A site's cases behind ``after``, newest first."""
        query = select(CaseRecord).where(CaseRecord.site_id == site_id)
        if after is not None:
            query = query.where(tuple_(*PAGE_KEY) < tuple(after))
        return self._session.scalars(
            query.order_by(*(column.desc() for column in PAGE_KEY)).limit(limit)
        ).all()

    def waiting(self, most: int) -> Sequence[CaseRecord]:
        """The longest waiting cases without embeddings, kept from others until the transaction ends."""
        return self._session.scalars(
            select(CaseRecord)
            .where(CaseRecord.embedding_state == EmbeddingState.WAITING)
            .order_by(CaseRecord.created_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()

    def nearest_labels(
        self, embedding_space: str, vector: Float16, besides: UUID, most: int
    ) -> Sequence[Finding]:
        """Labels of the cases' slices nearest by cosine distance, of other studies than ``besides``.

        Exact: the slices of one space are compared one by one.
        """
        query = (
            select(CaseRecord.label)
            .join(CaseSlice, CaseSlice.case_id == CaseRecord.case_id)
            .where(
                CaseRecord.embedding_space == embedding_space,
                CaseRecord.features == len(vector),
                CaseRecord.study_id != besides,
            )
            .order_by(cosine_distance(CaseSlice.embedding, vector), CaseSlice.case_id)
            .limit(most)
        )
        return self._session.scalars(query).all()

    def summary(self, embedding_space: str | None, learned: UUID | None) -> CaseSummary:
        """What waits to be learned from in one space, or in all; the cases of the dataset ``learned`` do not."""
        held = exists().where(DatasetMember.case_id == CaseRecord.case_id)
        is_new = ~held.where(DatasetMember.dataset_id == learned)
        query = select(
            func.count().label("cases"),
            func.count().filter(CaseRecord.corrected).label("corrected"),
            func.count().filter(is_new).label("new_cases"),
            func.count().filter(is_new, CaseRecord.corrected).label("new_corrected"),
            func.count().filter(~held).label("untried_cases"),
            func.count(CaseRecord.reader_id.distinct()).label("readers"),
            func.min(CaseRecord.created_at).filter(is_new).label("oldest_new_at"),
        ).where(CaseRecord.embedding_state == EmbeddingState.STORED)
        datasets: list[ColumnElement[bool]] = []
        if embedding_space is not None:
            query = query.where(CaseRecord.embedding_space == embedding_space)
            datasets.append(DatasetRecord.embedding_space == embedding_space)
        last = self._session.execute(
            select(DatasetRecord.dataset_id, DatasetRecord.created_at)
            .where(*datasets)
            .order_by(DatasetRecord.created_at.desc(), DatasetRecord.dataset_id)
            .limit(1)
        ).one_or_none()
        return CaseSummary(
            embedding_space=embedding_space,
            last_dataset_id=None if last is None else last.dataset_id,
            last_dataset_at=None if last is None else last.created_at,
            **self._session.execute(query).one()._mapping,
        )
