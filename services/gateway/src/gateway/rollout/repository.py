"""The SQL of the rollout."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.orm import Session

from gateway.rollout.models import Comparison, Rollout
from ictus.domain.enums import Finding


def present_rollout(session: Session) -> Rollout | None:
    """The arrangement that holds; None when none was ever made."""
    return session.scalar(select(Rollout).order_by(Rollout.id.desc()).limit(1))


class FindingPair(NamedTuple):
    """How many studies had these findings."""

    champion: Finding | None
    challenger: Finding | None
    studies: int


class ComparisonFigures(NamedTuple):
    """Over all comparisons of one pair of versions; the differences over those in which both have a probability."""

    studies: int
    same_disposition: int
    first_at: datetime | None
    last_at: datetime | None
    with_difference: int
    mean: float | None
    mean_absolute: float | None
    median_absolute: float | None
    p95_absolute: float | None
    largest: float | None


class ComparisonRepository:
    """What two versions said of the same studies.

    Args:
        session: read only.
        champion: one version.
        challenger: the other one.
    """

    def __init__(self, session: Session, champion: str, challenger: str) -> None:
        self._session = session
        self._pair: ColumnElement[bool] = and_(
            Comparison.champion == champion, Comparison.challenger == challenger
        )

    def findings(self) -> list[FindingPair]:
        """How often each pair of findings came up."""
        rows = self._session.execute(
            select(Comparison.champion_finding, Comparison.challenger_finding, func.count())
            .where(self._pair)
            .group_by(Comparison.champion_finding, Comparison.challenger_finding)
            .order_by(func.count().desc(), Comparison.champion_finding, Comparison.challenger_finding)
        )
        return [FindingPair(*row) for row in rows]

    def figures(self) -> ComparisonFigures:
        """Counts, times and the distribution of the differences."""
        difference = Comparison.challenger_probability - Comparison.champion_probability
        absolute = func.abs(difference)
        row = self._session.execute(
            select(
                func.count(),
                func.count().filter(Comparison.champion_disposition == Comparison.challenger_disposition),
                func.min(Comparison.compared_at),
                func.max(Comparison.compared_at),
                func.count(difference),
                func.avg(difference),
                func.avg(absolute),
                func.percentile_cont(0.5).within_group(absolute),
                func.percentile_cont(0.95).within_group(absolute),
                func.max(absolute),
            ).where(self._pair)
        ).one()
        return ComparisonFigures(*row)

    def disagreements(
        self, site_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Comparison]:
        """A site's studies on which findings or dispositions differ, the newest first."""
        query = (
            select(Comparison)
            .where(
                self._pair,
                Comparison.site_id == site_id,
                Comparison.champion_finding.is_distinct_from(Comparison.challenger_finding)
                | (Comparison.champion_disposition != Comparison.challenger_disposition),
            )
            .order_by(Comparison.compared_at.desc(), Comparison.job_id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(Comparison.compared_at, Comparison.job_id) < before)
        return self._session.scalars(query).all()
