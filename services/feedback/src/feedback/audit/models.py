"""The audit trail's table. A trigger (migration 0002) refuses UPDATE, DELETE and TRUNCATE."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from feedback.database import Base
from ictus.database import enum_column


class Outcome(StrEnum):
    """How it ended: done, refused to the caller (4xx), or failed on our side (5xx)."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEvent(Base):
    """One deed of another service. ``object_id`` is an id of ours: nothing here identifies a person."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "object_type", "object_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    service: Mapped[str | None] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str | None] = mapped_column(String(32))
    object_id: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[Outcome] = mapped_column(enum_column(Outcome))
    code: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
