"""The table of tombstones."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from feedback.database import Base


class ErasedStudy(Base):
    """That a study was erased, when, and how much there was of it; nothing of what it was."""

    __tablename__ = "erased_studies"

    study_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime]
    results: Mapped[int] = mapped_column(Integer)
    verdicts: Mapped[int] = mapped_column(Integer)
    cases: Mapped[int] = mapped_column(Integer)
    datasets: Mapped[int] = mapped_column(Integer)
