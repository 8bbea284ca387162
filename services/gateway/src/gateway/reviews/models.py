"""The table of reviews: what the feedback service last said of each, so that no list has to ask it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Finding, HaemorrhageSubtype, ReviewState


class StudyReview(Base):
    """A copy of one result's review; the feedback service has the original, with every verdict.

    ``revision`` is the original's: an older one never replaces a newer one. ``finding``, ``subtype``,
    ``agrees_with_model`` and ``decided_at`` are null until the review is final. ``reader_ids`` is in the order of the
    verdicts.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_study", "study_id", "decided_at"),
        Index("ix_reviews_decided", "decided_at"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"), primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    state: Mapped[ReviewState] = mapped_column(enum_column(ReviewState))
    revision: Mapped[int]
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    subtype: Mapped[HaemorrhageSubtype | None] = mapped_column(enum_column(HaemorrhageSubtype))
    agrees_with_model: Mapped[bool | None]
    reader_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    decided_at: Mapped[datetime | None]
