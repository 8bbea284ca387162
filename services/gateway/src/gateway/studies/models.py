"""Tables of a study: the study with its worklist columns, its series, the sealed identity, what is left of erased ones."""

from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Disposition, Finding, Modality, Priority, ReviewState, SourceFormat
from ictus.imaging.stored import DicomJson
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

    The columns from ``state`` on repeat what the latest job, its result and its review say, so that the worklist is
    one index scan; ``reviewed_finding`` and ``reviewed_at`` stay with the latest verdict when the model answers again.
    ``content_sha256`` is the digest of the set of uploaded files, whatever their order or names. ``patient_ref`` is
    the same for scans of one patient at one site and tells nothing else (``gateway.studies.sealing``); ``accession_ref``
    likewise stands for the accession number. ``scanner`` is that of
    the first series (``gateway.studies.scanner``).
    """

    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("site_id", "content_sha256", name="uq_studies_site_content"),
        Index("ix_studies_by_urgency", "site_id", "urgency", text("received_at DESC"), text("id DESC")),
        Index("ix_studies_by_received", "site_id", text("received_at DESC"), text("id DESC")),
        Index("ix_studies_by_state", "site_id", "state", text("received_at DESC"), text("id DESC")),
        Index("ix_studies_received", "received_at"),
        Index("ix_studies_patient", "site_id", "patient_ref"),
        Index("ix_studies_accession", "site_id", "accession_ref"),
        Index("ix_studies_study_uid", "site_id", "study_uid"),
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
    patient_ref: Mapped[UUID | None]
    accession_ref: Mapped[UUID | None]
    scanner: Mapped[str | None] = mapped_column(Text)

    state: Mapped[StudyState] = mapped_column(enum_column(StudyState))
    urgency: Mapped[int] = mapped_column(SmallInteger)
    analysis_started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    disposition: Mapped[Disposition | None] = mapped_column(enum_column(Disposition))
    finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    stroke_probability: Mapped[float | None]
    confidence: Mapped[float | None]
    novelty: Mapped[float | None]
    intensity_mean: Mapped[float | None]
    intensity_deviation: Mapped[float | None]
    review_state: Mapped[ReviewState | None] = mapped_column(enum_column(ReviewState))
    reviewed_finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    reviewed_at: Mapped[datetime | None]

    series: Mapped[list["Series"]] = relationship(
        order_by="Series.position", cascade="all, delete-orphan", passive_deletes=True
    )
    identity: Mapped["SealedIdentity | None"] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class Series(Base):
    """One canonical volume of a study; its voxels lie in the object store.

    ``voxels_offset`` is where the voxels begin within the object, so that a slice is one ranged read. ``indexed`` says
    that its files have their rows in ``instances``; series of before there was that index wait for the sweep.
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
    indexed: Mapped[bool] = mapped_column(default=True)
    warnings: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Instance(Base):
    """One stored DICOM instance of a study, de-identified: what DICOMweb finds, describes and gives.

    ``slices`` and ``frame_ranges`` are those of ``ictus.imaging.stored.StoredInstance``; ``attributes`` its header as
    DICOM JSON. Pictures and NIfTI volumes have no instances. What was made of a result (``gateway.dicomweb.results``)
    belongs to no ``series_id``.
    """

    __tablename__ = "instances"
    __table_args__ = (
        Index("ix_instances_series", "series_id"),
        Index("ix_instances_uid", "sop_instance_uid"),
    )

    study_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.studies.id", ondelete="CASCADE"), primary_key=True
    )
    sop_instance_uid: Mapped[str] = mapped_column(Text, primary_key=True)
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("gateway.series.id", ondelete="CASCADE"))
    series_uid: Mapped[str] = mapped_column(Text)
    sop_class_uid: Mapped[str] = mapped_column(Text)
    transfer_syntax_uid: Mapped[str] = mapped_column(Text)
    instance_number: Mapped[int | None]
    rows: Mapped[int]
    columns: Mapped[int]
    frames: Mapped[int]
    object_key: Mapped[str] = mapped_column(Text)
    object_bytes: Mapped[int]
    slices: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    frame_ranges: Mapped[list[list[tuple[int, int]]] | None] = mapped_column(JSONB(none_as_null=True))
    attributes: Mapped[DicomJson] = mapped_column(JSONB)


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


class ErasureReason(StrEnum):
    """Why a study was erased. A word of this list and no free text, which might name the patient."""

    PATIENT_REQUEST = "patient_request"
    WRONG_PATIENT = "wrong_patient"
    SENT_BY_MISTAKE = "sent_by_mistake"
    RETENTION_ENDED = "retention_ended"
    LEGAL_ORDER = "legal_order"
    TEST_DATA = "test_data"
    REJECTED = "rejected"


class ErasedStudy(Base):
    """The tombstone of a study: that it was, and who erased it when and why (nobody: its time was over). Nothing of what it said or of whom."""

    __tablename__ = "erased_studies"
    __table_args__ = (Index("ix_erased_studies_site", "site_id", "erased_at", "study_id"),)

    study_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    erased_at: Mapped[datetime]
    erased_by: Mapped[UUID | None]
    reason: Mapped[ErasureReason] = mapped_column(enum_column(ErasureReason))
