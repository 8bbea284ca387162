"""The table that says which results viewers can see as DICOM objects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base


class ShownResult(Base):
    """That a study's result, as it stood ``at``, has its objects among ``instances``; an object may have failed."""

    __tablename__ = "shown_results"

    study_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.studies.id", ondelete="CASCADE"), primary_key=True
    )
    at: Mapped[datetime]
