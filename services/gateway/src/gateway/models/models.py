"""The table of releases: every change of the model in use."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from ictus.database import enum_column


class ReleaseKind(StrEnum):
    """Which way the champion's alias moved."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Release(Base):
    """One change of the champion, never changed itself. ``released_by`` is null for an operator's command."""

    __tablename__ = "releases"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[ReleaseKind] = mapped_column(enum_column(ReleaseKind))
    version: Mapped[str] = mapped_column(Text)
    previous: Mapped[str | None] = mapped_column(Text)
    released_at: Mapped[datetime]
    released_by: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)
