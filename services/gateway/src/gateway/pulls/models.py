"""Tables of pulling: archives that can be asked and fetched from, and the studies that are to be fetched."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.audit.models import ActorKind
from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Priority


class SourceKind(StrEnum):
    """How an archive is asked and fetched from."""

    DIMSE = "dimse"
    """C-FIND, then C-MOVE or C-GET."""
    DICOMWEB = "dicomweb"
    """QIDO-RS, then WADO-RS."""


class Retrieval(StrEnum):
    """How instances come from a source of the kind ``dimse``."""

    MOVE = "move"
    """C-MOVE: the archive sends them to our listener, where its AE title must be let in for the source's site."""
    GET = "get"
    """C-GET: they come over the association that asks, for archives that have no entry for us."""


class Source(Base):
    """An archive of a site. ``own_name`` and ``remote_name`` are the calling and the called AE title; ``secret`` is sealed.

    ``move_destination`` is the AE title by which the archive knows our listener.
    """

    __tablename__ = "sources"
    __table_args__ = (Index("ix_sources_site", "site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[SourceKind] = mapped_column(enum_column(SourceKind))
    enabled: Mapped[bool]
    host: Mapped[str | None] = mapped_column(Text)
    port: Mapped[int | None]
    tls: Mapped[bool]
    own_name: Mapped[str] = mapped_column(Text)
    remote_name: Mapped[str] = mapped_column(Text)
    retrieval: Mapped[Retrieval] = mapped_column(enum_column(Retrieval))
    move_destination: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    username: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]


class PullState(StrEnum):
    """Where a pull stands."""

    QUEUED = "queued"
    """It waits, for its turn or after a failed attempt."""
    RUNNING = "running"
    """It is being found and fetched; with ``fetched_at`` all of it is here and is read."""
    DONE = "done"
    """It is ``study_id``."""
    FAILED = "failed"
    """It was given up, for the reason in ``reason``."""


OPEN: Final = (PullState.QUEUED, PullState.RUNNING)
"""States in which a pull has not ended. The words stand in the indexes of the table too."""


class Pull(Base):
    """One study that is to be fetched. ``fence`` counts claims; ``attempts`` likewise, and are told.

    ``wanted`` (``gateway.pulls.wanted``) is sealed, since the sender's UID and the accession number identify a patient;
    ``wanted_ref`` stands for it, and of one at a site only one pull is open. ``study_uid`` is the replacement of the study's
    UID, once the archive has told it. Without ``source_id`` every source of the site is asked. ``is_order``: a
    ServiceRequest asked for it, so the study is analysed under this row's id, even when it was here already.
    ``patient_ref`` is whose it must be, where that was said. ``instances`` of ``expected`` have come.
    """

    __tablename__ = "pulls"
    __table_args__ = (
        Index(
            "uq_pulls_open",
            "site_id",
            "wanted_ref",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_pulls_due", "next_attempt_at", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_pulls_site", "site_id", text("created_at DESC"), text("id DESC")),
        Index("ix_pulls_incoming", "incoming_id"),
        Index("ix_pulls_study", "study_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"))
    source_id: Mapped[UUID | None] = mapped_column(ForeignKey("gateway.sources.id", ondelete="SET NULL"))
    wanted: Mapped[bytes] = mapped_column(LargeBinary)
    wanted_ref: Mapped[str] = mapped_column(Text)
    priority: Mapped[Priority] = mapped_column(enum_column(Priority))
    is_order: Mapped[bool]
    patient_ref: Mapped[UUID | None]
    requested_kind: Mapped[ActorKind] = mapped_column(enum_column(ActorKind))
    requested_by: Mapped[UUID]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    state: Mapped[PullState] = mapped_column(enum_column(PullState))
    attempts: Mapped[int] = mapped_column(SmallInteger)
    fence: Mapped[int]
    next_attempt_at: Mapped[datetime]
    lease_expires_at: Mapped[datetime | None]
    study_uid: Mapped[str | None] = mapped_column(Text)
    instances: Mapped[int]
    expected: Mapped[int | None]
    fetched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    incoming_id: Mapped[UUID | None]
    study_id: Mapped[UUID | None] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
