"""Tables of a study: the study with its worklist columns, its series, the sealed identity, object removals."""

from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Disposition, Finding, Modality, Priority, SourceFormat
from ictus.imaging.volume import VoxelUnits


class StudyState(StrEnum):
    """Where a study stands: held for an admin, or the state of its latest job."""

    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Urgency(IntEnum):
    """The worklist's order, most urgent first. The numbers are stored: add at the end, never renumber."""

    STROKE_LIKELY = 0
    STAT_UNANSWERED = 1
    UNCERTAIN = 2
    FAILED = 3
    NEEDS_READER = 4
    WAITING = 5
    NO_STROKE_FOUND = 6
    CANCELLED = 7


class Study(Base):
    """One upload of one patient's scan at one site.

    The columns from ``state`` on repeat what the latest job and its result say, so that the worklist is one
    index scan. ``content_sha256`` is the digest of the set of uploaded files, whatever their order or names.
    """

    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("site_id", "content_sha256", name="uq_studies_site_content"),
        Index("ix_studies_by_urgency", "site_id", "urgency", text("received_at DESC"), text("id DESC")),
        Index("ix_studies_by_received", "site_id", text("received_at DESC"), text("id DESC")),
        Index("ix_studies_by_state", "site_id", "state", text("received_at DESC"), text("id DESC")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    content_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    study_uid: Mapped[str] = mapped_column(Text)
    modality: Mapped[Modality] = mapped_column(enum_column(Modality))
    priority: Mapped[Priority] = mapped_column(enum_column(Priority))
    hold_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    left_out: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uploaded_by: Mapped[UUID]
    received_at: Mapped[datetime]

    state: Mapped[StudyState] = mapped_column(enum_column(StudyState))
    urgency: Mapped[int] = mapped_column(SmallInteger)
    analysis_started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    disposition: Mapped[Disposition | None] = mapped_column(enum_column(Disposition))
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    stroke_probability: Mapped[float | None]
    confidence: Mapped[float | None]

    series: Mapped[list["Series"]] = relationship(
        order_by="Series.position", cascade="all, delete-orphan", passive_deletes=True
    )
    identity: Mapped["SealedIdentity | None"] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class Series(Base):
    """One canonical volume of a study; its voxels lie in the object store.

    ``voxels_offset`` is where the voxels begin within the object, so that a slice is one ranged read.
    """

    __tablename__ = "series"
    __table_args__ = (Index("ix_series_study", "study_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(SmallInteger)
    modality: Mapped[Modality] = mapped_column(enum_column(Modality))
    modality_stated: Mapped[bool]
    source_format: Mapped[SourceFormat] = mapped_column(enum_column(SourceFormat))
    series_uid: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    body_part: Mapped[str | None] = mapped_column(Text)
    volume_key: Mapped[str] = mapped_column(Text)
    volume_sha256: Mapped[str] = mapped_column(Text)
    voxels_offset: Mapped[int]
    dtype: Mapped[str] = mapped_column(Text)
    units: Mapped[VoxelUnits] = mapped_column(enum_column(VoxelUnits))
    slices: Mapped[int]
    rows: Mapped[int]
    columns: Mapped[int]
    spacing_mm: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    source_files: Mapped[int]
    warnings: Mapped[list[str]] = mapped_column(ARRAY(Text))


class SealedIdentity(Base):
    """What identifies the patient, encrypted (``gateway.studies.sealing``); nothing of it is in the clear.

    ``original_uids``, needed only to answer other systems, is large and therefore apart and not loaded unasked.
    """

    __tablename__ = "patient_identities"

    study_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.studies.id", ondelete="CASCADE"), primary_key=True
    )
    person: Mapped[bytes] = mapped_column(LargeBinary)
    original_uids: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class ObjectRemoval(Base):
    """A prefix of the object store that is to be emptied once ``remove_after`` has passed.

    Written before objects are stored and deleted by the transaction that makes them part of a study, so that
    an upload cut short at any point leaves no orphan; written with an erasure or a lost attempt, so that a
    crash between the commit and the deletion only delays it.
    """

    __tablename__ = "object_removals"
    __table_args__ = (Index("ix_object_removals_due", "remove_after"),)

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    remove_after: Mapped[datetime]
