"""Tables of what comes by DICOM: the peers that may send, and the studies that are being received."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.audit.models import ActorKind
from gateway.database import Base
from ictus.database import enum_column


class DicomPeer(Base):
    """Another application entity that may send, and the site that its studies belong to."""

    __tablename__ = "dicom_peers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ae_title: Mapped[str] = mapped_column(String(16), unique=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"), index=True)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]


class IncomingState(StrEnum):
    """Where a received study stands."""

    RECEIVING = "receiving"
    """Instances may still come."""
    ACCEPTING = "accepting"
    """Complete: intake reads it, or will again at ``next_try_at``."""
    ACCEPTED = "accepted"
    """Part of ``study_id``; the received files are gone."""
    QUARANTINED = "quarantined"
    """Refused, for the reason in ``code``; the files wait for an administrator until ``next_try_at``."""
    DISCARDED = "discarded"
    """Refused, and its files are gone."""


class IncomingStudy(Base):
    """Instances of one DICOM study that were received until there was quiet. Nothing here names the patient.

    ``study_uid`` is the replacement of the sender's UID. The instances lie in the spool folder of this id.
    """

    __tablename__ = "incoming_studies"
    __table_args__ = (
        Index(
            "uq_incoming_studies_receiving",
            "site_id",
            "study_uid",
            unique=True,
            postgresql_where=text("state = 'receiving'"),
        ),
        Index("ix_incoming_studies_state", "state", "last_received_at"),
        Index("ix_incoming_studies_site", "site_id", "first_received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    study_uid: Mapped[str] = mapped_column(Text)
    sender_kind: Mapped[ActorKind] = mapped_column(enum_column(ActorKind))
    sender_id: Mapped[UUID]
    state: Mapped[IncomingState] = mapped_column(enum_column(IncomingState))
    objects: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    first_received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]
    next_try_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)
    study_id: Mapped[UUID | None]
