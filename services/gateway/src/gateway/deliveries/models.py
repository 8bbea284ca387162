"""Tables of deliveries: where results go, and what has to be sent, is being sent, and was."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from gateway.outgoing import Outgoing
from ictus.database import enum_column
from ictus.report import ReportStatus


class DestinationKind(StrEnum):
    """How a destination is spoken to."""

    DICOM_STORE = "dicom_store"
    STOW = "stow"
    HL7_MLLP = "hl7_mllp"
    WEBHOOK = "webhook"


class Destination(Base):
    """Another system that a site's results are sent to.

    ``own_name`` and ``remote_name`` are the calling and called AE title, or HL7's sending and receiving application.
    ``content`` names the objects that a DICOM destination gets (``ObjectKind``); of an HL7 one, ``pdf`` says whether the
    report goes along. ``secret`` is encrypted. ``failures`` counts connections that failed in a row; before ``retry_at``
    nothing is tried.
    """

    __tablename__ = "destinations"
    __table_args__ = (Index("ix_destinations_site", "site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[DestinationKind] = mapped_column(enum_column(DestinationKind))
    enabled: Mapped[bool]
    host: Mapped[str | None] = mapped_column(Text)
    port: Mapped[int | None]
    url: Mapped[str | None] = mapped_column(Text)
    tls: Mapped[bool]
    own_name: Mapped[str] = mapped_column(Text)
    remote_name: Mapped[str] = mapped_column(Text)
    username: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    content: Mapped[list[str]] = mapped_column(ARRAY(Text))
    statuses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]

    failures: Mapped[int]
    retry_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    last_delivered_at: Mapped[datetime | None]


class Occasion(StrEnum):
    """What a destination can be told of: a result, by its report's status, or a likely stroke that nobody has taken on."""

    PRELIMINARY = ReportStatus.PRELIMINARY.value
    FINAL = ReportStatus.FINAL.value
    CORRECTED = ReportStatus.CORRECTED.value
    ESCALATED = "escalated"


RESULTS: Final = frozenset({Occasion.PRELIMINARY, Occasion.FINAL, Occasion.CORRECTED})
"""What archives and information systems get; of an alert only webhooks tell."""


class DeliveryState(StrEnum):
    """Where a delivery stands.

    ``retrying``: it failed and waits. ``dead``: it was given up, an administrator may send it again. ``skipped``: there was
    nothing to send, ``last_error`` says why.
    """

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"
    SKIPPED = "skipped"


OPEN: Final = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.RETRYING)
"""States in which a delivery is still to come."""


class Delivery(Outgoing, Base):
    """One result, at one status, for one destination; written in the transaction of the result or of its review.

    The status ``escalated`` is that of an alert about the result; it is written when the alert is escalated.

    ``fence`` counts claims: what the sender of an older claim reports is not taken. ``proof`` is what the receiver answered.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("destination_id", "job_id", "status", name="uq_deliveries_result"),
        Index(
            "ix_deliveries_open",
            "destination_id",
            "created_at",
            "id",
            postgresql_where=text("state IN ('queued', 'sending', 'retrying')"),
        ),
        Index("ix_deliveries_destination", "destination_id", text("created_at DESC"), text("id DESC")),
        Index("ix_deliveries_study", "study_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    destination_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.destinations.id", ondelete="CASCADE"))
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    job_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"))
    status: Mapped[Occasion] = mapped_column(enum_column(Occasion))
    state: Mapped[DeliveryState] = mapped_column(enum_column(DeliveryState))
    fence: Mapped[int]
    lease_expires_at: Mapped[datetime | None]
    proof: Mapped[str | None] = mapped_column(Text)
