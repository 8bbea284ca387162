"""The table of alerts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base


class Alert(Base):
    """A study whose answer says stroke with confidence; one for a study, raised by the first such answer.

    ``seen_at`` is when a person first opened the study since, ``acknowledged_at`` when one took it on, ``escalated_at``
    when nobody had for too long.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_open", "site_id", "raised_at", postgresql_where=text("acknowledged_at IS NULL")),
        Index(
            "ix_alerts_unescalated",
            "raised_at",
            postgresql_where=text("acknowledged_at IS NULL AND escalated_at IS NULL"),
        ),
    )

    study_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.studies.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    raised_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    escalated_at: Mapped[datetime | None]
