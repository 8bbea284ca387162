"""The audit trail's table. A trigger (migration 0001) refuses UPDATE, DELETE and TRUNCATE."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from ictus.database import enum_column


class ActorKind(StrEnum):
    """Who acted."""

    USER = "user"
    API_CLIENT = "api_client"
    DICOM_PEER = "dicom_peer"
    SERVICE = "service"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class Outcome(StrEnum):
    """How it ended: done, refused to the caller (4xx), or failed on our side (5xx)."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEvent(Base):
    """One deed. It has no foreign keys: it outlives what it speaks of, and locks nothing."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "site_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "object_type", "object_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[ActorKind] = mapped_column(enum_column(ActorKind))
    actor_id: Mapped[UUID | None]
    site_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(64), index=True)
    object_type: Mapped[str | None] = mapped_column(String(64))
    object_id: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[Outcome] = mapped_column(enum_column(Outcome))
    code: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(INET)
    detail: Mapped[dict[str, str | int | bool | None]] = mapped_column(JSONB)
