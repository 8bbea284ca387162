"""The table of review items."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from feedback.database import Base
from ictus.contracts.reviews import ReviewItem
from ictus.database import enum_column
from ictus.domain.enums import Disposition, Modality, Priority


class StoredReviewItem(Base):
    """A ``ReviewItem`` as it came, with its place in the queue. One for each job, never changed.

    Nothing here identifies a patient: ids are the server's own, the embedding stays in the object store.
    """

    __tablename__ = "review_items"
    __table_args__ = (Index("ix_review_items_queue", "site_id", "urgency", "predicted_at", "job_id"),)

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID]
    site_id: Mapped[UUID]
    modality: Mapped[Modality] = mapped_column(enum_column(Modality))
    priority: Mapped[Priority] = mapped_column(enum_column(Priority))
    disposition: Mapped[Disposition] = mapped_column(enum_column(Disposition))
    reason_code: Mapped[str] = mapped_column(Text)
    stroke_probability: Mapped[float | None] = mapped_column(Double)
    model_version: Mapped[str] = mapped_column(Text)
    embedding_key: Mapped[str | None] = mapped_column(Text)
    predicted_at: Mapped[datetime]
    urgency: Mapped[int] = mapped_column(SmallInteger)
    stored_at: Mapped[datetime]

    def as_contract(self) -> ReviewItem:
        """The item as it came."""
        members = ReviewItem.model_fields.keys() - {"schema_version"}
        return ReviewItem(**{name: getattr(self, name) for name in members})
