"""The tables of cases and of the embeddings of their slices."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from feedback.database import Base
from feedback.reviews.models import StoredReview
from feedback.vectors import Float16, HalfVector
from ictus.contracts.cases import Case
from ictus.database import enum_column
from ictus.domain.enums import Finding, HaemorrhageSubtype, Modality
from ictus.storage.keys import volume_key


class EmbeddingState(StrEnum):
    """Whether a case can be learned from.

    ``waiting``: the object store did not answer yet. ``missing``: the embeddings are gone, or are none of this result.
    """

    WAITING = "waiting"
    STORED = "stored"
    MISSING = "missing"


class CaseRecord(Base):
    """A confirmed example. It is made once and never changed, but for its embeddings coming in later.

    ``reader_id`` is whoever first said what was decided: the case counts towards that reader's share of a dataset.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(None, "embedding_space", "embedding_state"),
        Index(None, "study_id"),
        Index("ix_cases_newest", "site_id", "created_at", "case_id"),
    )

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey(StoredReview.job_id, ondelete="CASCADE"), unique=True)
    study_id: Mapped[UUID]
    site_id: Mapped[UUID]
    series_id: Mapped[UUID | None]
    modality: Mapped[Modality] = mapped_column(enum_column(Modality))
    label: Mapped[Finding] = mapped_column(enum_column(Finding))
    subtype: Mapped[HaemorrhageSubtype | None] = mapped_column(enum_column(HaemorrhageSubtype))
    corrected: Mapped[bool]
    slices: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    model_version: Mapped[str] = mapped_column(Text)
    embedding_space: Mapped[str] = mapped_column(String(128))
    embedding_key: Mapped[str] = mapped_column(Text)
    embedding_state: Mapped[EmbeddingState] = mapped_column(enum_column(EmbeddingState))
    features: Mapped[int | None] = mapped_column(Integer)
    patient_ref: Mapped[UUID | None]
    reader_id: Mapped[UUID]
    verdict_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    created_at: Mapped[datetime]

    def as_contract(self) -> Case:
        """The case as other services see it."""
        derived = {"volume_key", "usable"}
        return Case(
            volume_key=None if self.series_id is None else volume_key(self.study_id, self.series_id),
            usable=self.embedding_state is EmbeddingState.STORED,
            **{name: getattr(self, name) for name in Case.model_fields.keys() - derived},
        )


class CaseSlice(Base):
    """The embedding of one slice of a case."""

    __tablename__ = "case_slices"

    case_id: Mapped[UUID] = mapped_column(
        ForeignKey(CaseRecord.case_id, ondelete="CASCADE"), primary_key=True
    )
    slice_index: Mapped[int] = mapped_column(Integer, primary_key=True)
    embedding: Mapped[Float16] = mapped_column(HalfVector())
