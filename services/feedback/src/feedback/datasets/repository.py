"""The SQL of datasets."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback.cases.models import CaseRecord, CaseSlice, EmbeddingState
from feedback.datasets.export import Row
from feedback.datasets.models import DatasetMember, DatasetRecord

_POOL: Final = 0x1C707


def hold_pool(session: Session) -> None:
    """Let nobody else make a dataset, or erase what one could hold, until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_POOL)))


class DatasetRepository:
    """Datasets within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, dataset_id: UUID) -> DatasetRecord | None:
        """A dataset."""
        return self._session.get(DatasetRecord, dataset_id)

    def latest(self, embedding_space: str) -> DatasetRecord | None:
        """The newest dataset of a space that can still be given out."""
        return self._session.scalar(
            select(DatasetRecord)
            .where(DatasetRecord.embedding_space == embedding_space, DatasetRecord.erased_cases == 0)
            .order_by(DatasetRecord.created_at.desc(), DatasetRecord.dataset_id)
            .limit(1)
        )

    def usable_cases(self, embedding_space: str) -> Sequence[CaseRecord]:
        """Every case of a space that has its embeddings, all of one length, oldest first."""
        usable = (
            CaseRecord.embedding_space == embedding_space,
            CaseRecord.embedding_state == EmbeddingState.STORED,
        )
        usual = (
            select(CaseRecord.features)
            .where(*usable)
            .group_by(CaseRecord.features)
            .order_by(func.count().desc(), CaseRecord.features)
            .limit(1)
        )
        return self._session.scalars(
            select(CaseRecord)
            .where(*usable, CaseRecord.features == usual.scalar_subquery())
            .order_by(CaseRecord.created_at, CaseRecord.case_id)
        ).all()

    def members(self, dataset_id: UUID) -> frozenset[UUID]:
        """The cases that a dataset holds."""
        held = select(DatasetMember.case_id).where(DatasetMember.dataset_id == dataset_id)
        return frozenset(self._session.scalars(held))

    def new_members(self, dataset_id: UUID) -> frozenset[UUID]:
        """The cases of a dataset that the model in use had not learned from when it was made."""
        new = select(DatasetMember.case_id).where(
            DatasetMember.dataset_id == dataset_id, DatasetMember.is_new
        )
        return frozenset(self._session.scalars(new))

    def rows(self, dataset_id: UUID) -> list[Row]:
        """What a dataset holds, in its order, one row for each slice."""
        query = (
            select(CaseRecord, DatasetMember.is_new, CaseSlice.embedding)
            .join(DatasetMember, DatasetMember.case_id == CaseRecord.case_id)
            .join(CaseSlice, CaseSlice.case_id == CaseRecord.case_id)
            .where(DatasetMember.dataset_id == dataset_id)
            .order_by(DatasetMember.position, CaseSlice.slice_index)
        )
        return [
            Row(
                embedding=embedding,
                label=case.label,
                corrected=case.corrected,
                is_new=is_new,
                case=case.case_id,
                patient=case.patient_ref or case.study_id,
                reader=case.reader_id,
            )
            for case, is_new, embedding in self._session.execute(query)
        ]

    def cases(self, dataset_id: UUID) -> Sequence[CaseRecord]:
        """The cases that a dataset holds, in its order."""
        return self._session.scalars(
            select(CaseRecord)
            .join(DatasetMember, DatasetMember.case_id == CaseRecord.case_id)
            .where(DatasetMember.dataset_id == dataset_id)
            .order_by(DatasetMember.position)
        ).all()
