"""The table of events, which a reconnecting browser resumes from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base


class EventRow(Base):
    """One change of one study. ``id`` follows the order of the commits (``gateway.events.journal``).

    There is no foreign key: an event outlives an erased study for as long as events are kept, and names
    nothing but ids.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_site", "site_id", "id"),
        Index("ix_events_study", "study_id", "id"),
        Index("ix_events_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    site_id: Mapped[UUID]
    study_id: Mapped[UUID]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
