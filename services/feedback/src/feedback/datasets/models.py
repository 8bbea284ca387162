"""The tables of datasets and of what they hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from feedback.cases.models import CaseRecord
from feedback.database import Base
from ictus.contracts.cases import TrainingDataset


class DatasetRecord(Base):
    """A dataset version. Nothing of it changes but ``erased_cases``, and then it is not given out any more."""

    __tablename__ = "datasets"
    __table_args__ = (Index(None, "embedding_space", "created_at"),)

    dataset_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    embedding_space: Mapped[str] = mapped_column(String(128))
    features: Mapped[int] = mapped_column(Integer)
    cases: Mapped[int] = mapped_column(Integer)
    slices: Mapped[int] = mapped_column(Integer)
    stroke_cases: Mapped[int] = mapped_column(Integer)
    normal_cases: Mapped[int] = mapped_column(Integer)
    corrected: Mapped[int] = mapped_column(Integer)
    new_cases: Mapped[int] = mapped_column(Integer)
    patients: Mapped[int] = mapped_column(Integer)
    readers: Mapped[int] = mapped_column(Integer)
    held_back: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    erased_cases: Mapped[int] = mapped_column(Integer)

    def as_contract(self) -> TrainingDataset:
        """The dataset as other services see it."""
        members = TrainingDataset.model_fields.keys() - {"schema_version"}
        return TrainingDataset(**{name: getattr(self, name) for name in members})


class DatasetMember(Base):
    """That a dataset holds a case, and whether the model in use had not learned from it."""

    __tablename__ = "dataset_cases"
    __table_args__ = (Index(None, "case_id"),)

    dataset_id: Mapped[UUID] = mapped_column(
        ForeignKey(DatasetRecord.dataset_id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(CaseRecord.case_id, ondelete="CASCADE"))
    is_new: Mapped[bool]
