"""The tables of reviews and verdicts. Nothing here identifies a patient: ids are the server's own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.database import Base
from ictus.contracts.reviews import Region, Review, ReviewItem, Verdict
from ictus.database import enum_column
from ictus.domain.enums import (
    Disposition,
    Finding,
    HaemorrhageSubtype,
    Modality,
    Priority,
    ReaderConfidence,
    ReviewState,
    SecondReaderReason,
)

WAITING = (ReviewState.OPEN, ReviewState.SECOND_READER, ReviewState.CONFLICT)


class StoredReview(Base):
    """A result and where its reading stands. One for each job.

    The first part is the ``ReviewItem``. ``learning_rank`` is its learning value times -1, so that the queue is one
    ascending index.
    """

    __tablename__ = "review_items"
    __table_args__ = (
        Index(
            "ix_review_items_queue",
            "site_id",
            "urgency",
            "learning_rank",
            "predicted_at",
            "job_id",
            postgresql_where=text("state IN ('open', 'second_reader', 'conflict')"),
        ),
        Index("ix_review_items_newest", "site_id", "predicted_at", "job_id"),
        Index(
            "ix_review_items_decided",
            "site_id",
            "decided_at",
            "job_id",
            postgresql_where=text("state = 'final'"),
        ),
        Index("ix_review_items_study", "study_id"),
    )

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID]
    site_id: Mapped[UUID]
    series_id: Mapped[UUID | None]
    modality: Mapped[Modality] = mapped_column(enum_column(Modality))
    priority: Mapped[Priority] = mapped_column(enum_column(Priority))
    disposition: Mapped[Disposition] = mapped_column(enum_column(Disposition))
    reason_code: Mapped[str] = mapped_column(Text)
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    stroke_probability: Mapped[float | None] = mapped_column(Double)
    confidence: Mapped[float | None] = mapped_column(Double)
    novelty: Mapped[float | None] = mapped_column(Double)
    key_slices: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    slice_scores: Mapped[list[float | None]] = mapped_column(ARRAY(Double))
    model_version: Mapped[str] = mapped_column(Text)
    embedding_key: Mapped[str | None] = mapped_column(Text)
    embedding_space: Mapped[str | None] = mapped_column(String(128))
    patient_ref: Mapped[UUID | None]
    predicted_at: Mapped[datetime]

    urgency: Mapped[int] = mapped_column(SmallInteger)
    learning_rank: Mapped[float] = mapped_column(Double)
    stored_at: Mapped[datetime]

    state: Mapped[ReviewState] = mapped_column(enum_column(ReviewState))
    revision: Mapped[int] = mapped_column(Integer)
    second_reader_reason: Mapped[SecondReaderReason | None] = mapped_column(enum_column(SecondReaderReason))
    final_finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    final_subtype: Mapped[HaemorrhageSubtype | None] = mapped_column(enum_column(HaemorrhageSubtype))
    decided_at: Mapped[datetime | None]
    agrees_with_model: Mapped[bool | None]

    verdicts: Mapped[list["StoredVerdict"]] = relationship(
        order_by="(StoredVerdict.given_at, StoredVerdict.verdict_id)",
        cascade="all, delete-orphan",
        passive_deletes=True,
        lazy="selectin",
    )

    def item(self) -> ReviewItem:
        """The result, as the gateway told it."""
        members = ReviewItem.model_fields.keys() - {"schema_version"}
        return ReviewItem(**{name: getattr(self, name) for name in members})

    def as_contract(self) -> Review:
        """The review as other services see it."""
        return Review(
            item=self.item(),
            verdicts=tuple(verdict.as_contract() for verdict in self.verdicts),
            **{
                name: getattr(self, name)
                for name in Review.model_fields.keys() - {"schema_version", "item", "verdicts"}
            },
        )


class StoredVerdict(Base):
    """A reader's present word on a result; one for each reader."""

    __tablename__ = "verdicts"
    __table_args__ = (UniqueConstraint("job_id", "reader_id"), Index(None, "given_at"))

    verdict_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey(StoredReview.job_id, ondelete="CASCADE"))
    reader_id: Mapped[UUID]
    agrees: Mapped[bool]
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    subtype: Mapped[HaemorrhageSubtype | None] = mapped_column(enum_column(HaemorrhageSubtype))
    key_slices: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    regions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    confidence: Mapped[ReaderConfidence] = mapped_column(enum_column(ReaderConfidence))
    comment: Mapped[str] = mapped_column(Text)
    excluded_from_training: Mapped[bool]
    exclusion_reason: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime]

    def as_contract(self) -> Verdict:
        """The verdict as other services see it."""
        plain = Verdict.model_fields.keys() - {"regions"}
        regions = tuple(Region.model_validate(region) for region in self.regions)
        return Verdict(regions=regions, **{name: getattr(self, name) for name in plain})
