"""Tables of the rollout: every arrangement that was made, and what both versions said of the same studies."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Disposition, Finding, RolloutMode


class Rollout(Base):
    """One arrangement, never changed; the latest holds. ``set_by`` is null where a release ended the one before."""

    __tablename__ = "rollouts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mode: Mapped[RolloutMode] = mapped_column(enum_column(RolloutMode))
    champion: Mapped[str | None] = mapped_column(Text)
    challenger: Mapped[str | None] = mapped_column(Text)
    share: Mapped[float] = mapped_column(Double)
    set_at: Mapped[datetime]
    set_by: Mapped[UUID | None]


class Comparison(Base):
    """What two versions said of one study. It is no result: no clinician sees it, no report speaks of it."""

    __tablename__ = "comparisons"
    __table_args__ = (
        Index("ix_comparisons_pair", "champion", "challenger", "compared_at", "job_id"),
        Index("ix_comparisons_study", "study_id"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.jobs.id", ondelete="CASCADE"), primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.studies.id", ondelete="CASCADE"))
    site_id: Mapped[UUID]
    compared_at: Mapped[datetime]
    champion: Mapped[str] = mapped_column(Text)
    challenger: Mapped[str] = mapped_column(Text)
    champion_finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    challenger_finding: Mapped[Finding | None] = mapped_column(enum_column(Finding))
    champion_disposition: Mapped[Disposition] = mapped_column(enum_column(Disposition))
    challenger_disposition: Mapped[Disposition] = mapped_column(enum_column(Disposition))
    champion_probability: Mapped[float | None] = mapped_column(Double)
    challenger_probability: Mapped[float | None] = mapped_column(Double)
