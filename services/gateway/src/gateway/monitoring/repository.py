"""The SQL of monitoring: everything is counted by the database, no study leaves it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.monitoring.drift import bins_for, joined
from gateway.monitoring.schemas import Figure
from gateway.reviews.models import StudyReview
from gateway.studies.models import Study, StudyState
from ictus.domain.enums import Disposition, Modality

BINS: Final = 10


class Scale(NamedTuple):
    """How a figure is counted: in ``places`` equal bins from 0 to ``upper``; what lies above is in the last one.

    Where there are more places than ``BINS``, those are joined in which the reference window's values lie.
    """

    upper: float
    places: int = BINS


SCALES: Final = {
    Figure.STROKE_PROBABILITY: Scale(1.0),
    Figure.NOVELTY: Scale(2.0),
    Figure.UNCERTAINTY: Scale(1.0),
    Figure.INTENSITY: Scale(1.0, 200),
    Figure.CONTRAST: Scale(0.5, 200),
}

_UNCERTAINTY: Final = 1 - func.abs(2 * Study.stroke_probability - 1)
_VALUES: Final[dict[Figure, ColumnElement[Any] | InstrumentedAttribute[Any]]] = {
    Figure.STROKE_PROBABILITY: Study.stroke_probability,
    Figure.NOVELTY: Study.novelty,
    Figure.UNCERTAINTY: _UNCERTAINTY,
    Figure.INTENSITY: Study.intensity_mean,
    Figure.CONTRAST: Study.intensity_deviation,
}


class Group(NamedTuple):
    """One site's studies of one modality."""

    site_id: UUID
    modality: Modality


Scope = Group | None
"""A group, or None for everything that was asked for."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked at: the reference window from ``reference_since``, the current one from ``since`` to ``until``."""

    reference_since: datetime
    since: datetime
    until: datetime
    site_id: UUID | None = None
    modality: Modality | None = None

    def studies(self, moment: ColumnElement[Any] | InstrumentedAttribute[Any]) -> list[ColumnElement[bool]]:
        """The conditions on studies in both windows, by when ``moment`` was."""
        conditions = [moment >= self.reference_since, moment < self.until]
        if self.site_id is not None:
            conditions.append(Study.site_id == self.site_id)
        if self.modality is not None:
            conditions.append(Study.modality == self.modality)
        return conditions


@dataclass(slots=True)
class Samples:
    """A figure's two samples: histograms over the same bins, and how far their distributions are apart.

    ``edges`` are the bins' lower ones and the last one's upper one.
    """

    reference: list[int]
    current: list[int]
    edges: list[float] = field(default_factory=list)
    distance: float | None = None

    def bin(self, scale: Scale) -> None:
        """Bring the histograms from the scale's places to ``BINS``."""
        seen = self.reference if any(self.reference) else self.current
        begins, width = bins_for(seen, BINS) if scale.places > BINS else (0, 1)
        self.reference = joined(self.reference, begins, width, BINS)
        self.current = joined(self.current, begins, width, BINS)
        place = scale.upper / scale.places
        self.edges = [round((begins + width * number) * place, 6) for number in range(BINS + 1)]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many studies of one kind came in both windows."""

    name: str
    reference: int
    current: int


class Agreement(NamedTuple):
    """Reviews that were decided, and how many of them agree with the model, in both windows."""

    reference: int
    reference_agreed: int
    current: int
    current_agreed: int


class MonitoringRepository:
    """Counts over studies and reviews within one transaction.

    Methods with ``grouped`` answer for each site and modality, otherwise once, under the key None; nothing is under the
    key of what has no values.
    """

    def __init__(self, session: Session, watch: Watch) -> None:
        self._session = session
        self._watch = watch

    def days(self) -> Sequence[Row[Any]]:
        """The current window's studies by the day (UTC) on which they arrived, oldest first."""
        day = cast(func.timezone("UTC", Study.received_at), Date).label("day")
        query = (
            select(
                day,
                func.count().label("received"),
                func.count(Study.disposition).label("answered"),
                func.count().filter(Study.state == StudyState.FAILED).label("failed"),
                *_disposition_counts(),
                func.avg(Study.stroke_probability).label("mean_stroke_probability"),
                func.avg(Study.novelty).label("mean_novelty"),
                func.avg(_UNCERTAINTY).label("mean_uncertainty"),
                func.avg(Study.intensity_mean).label("mean_intensity"),
            )
            .where(*self._watch.studies(Study.received_at), Study.received_at >= self._watch.since)
            .group_by(day)
            .order_by(day)
        )
        return self._session.execute(query).all()

    def volumes(self) -> Sequence[Row[Any]]:
        """The current window's studies by site and modality, most first."""
        query = (
            select(Study.site_id, Study.modality, func.count().label("received"), *_disposition_counts())
            .where(*self._watch.studies(Study.received_at), Study.received_at >= self._watch.since)
            .group_by(Study.site_id, Study.modality)
            .order_by(func.count().desc(), Study.site_id, Study.modality)
        )
        return self._session.execute(query).all()

    def samples(self, figure: Figure, *, grouped: bool) -> dict[Scope, Samples]:
        """The two windows' values of a figure."""
        found: dict[Scope, Samples] = {}
        value, scale = _VALUES[figure], SCALES[figure]
        columns = _group_columns(grouped)
        seen = (*self._watch.studies(Study.received_at), value.is_not(None))
        now = (Study.received_at >= self._watch.since).label("now")
        bucket = func.width_bucket(value, 0.0, scale.upper, scale.places)
        place = func.least(func.greatest(bucket, 1), scale.places).label("place")
        histogram = select(*columns, now, place, func.count()).where(*seen).group_by(*columns, now, place)
        for *key, is_now, at, count in self._session.execute(histogram):
            empty = Samples([0] * scale.places, [0] * scale.places)
            samples = found.setdefault(_scope(key), empty)
            (samples.current if is_now else samples.reference)[at - 1] = count
        for samples in found.values():
            samples.bin(scale)
        for *key, distance in self._session.execute(self._distances(value, columns, seen)):
            if distance is not None:
                found[_scope(key)].distance = float(distance)
        return found

    def dispositions(self, *, grouped: bool) -> dict[Scope, tuple[list[int], list[int]]]:
        """How many studies got each disposition, in the order of ``Disposition``: before, now."""
        columns = _group_columns(grouped)
        now = (Study.received_at >= self._watch.since).label("now")
        query = (
            select(*columns, now, *_disposition_counts())
            .where(*self._watch.studies(Study.received_at), Study.disposition.is_not(None))
            .group_by(*columns, now)
        )
        found: dict[Scope, tuple[list[int], list[int]]] = {}
        for row in self._session.execute(query):
            *key, is_now = row[: len(columns) + 1]
            counts = found.setdefault(_scope(key), ([0] * len(Disposition), [0] * len(Disposition)))
            counts[1 if is_now else 0][:] = row[len(columns) + 1 :]
        return found

    def scanners(self, *, grouped: bool) -> dict[Scope, list[Counted]]:
        """How many studies came of each kind of scanner, most first; of those whose header says it."""
        columns = _group_columns(grouped)
        is_now = Study.received_at >= self._watch.since
        query = (
            select(*columns, Study.scanner, func.count().filter(~is_now), func.count().filter(is_now))
            .where(*self._watch.studies(Study.received_at), Study.scanner.is_not(None))
            .group_by(*columns, Study.scanner)
            .order_by(func.count().desc(), Study.scanner)
        )
        found: dict[Scope, list[Counted]] = {}
        for *key, name, before, now in self._session.execute(query):
            found.setdefault(_scope(key), []).append(Counted(name, before, now))
        return found

    def agreement(self, *, grouped: bool) -> dict[Scope, Agreement]:
        """The reviews that were decided in the two windows."""
        columns = _group_columns(grouped)
        now = StudyReview.decided_at >= self._watch.since
        agrees = StudyReview.agrees_with_model.is_(True)
        query = (
            select(
                *columns,
                func.count().filter(~now),
                func.count().filter(~now, agrees),
                func.count().filter(now),
                func.count().filter(now, agrees),
            )
            .join(Study, Study.id == StudyReview.study_id)
            .where(*self._watch.studies(StudyReview.decided_at), StudyReview.agrees_with_model.is_not(None))
            .group_by(*columns)
        )
        return {
            _scope(row[: len(columns)]): Agreement(*row[len(columns) :])
            for row in self._session.execute(query.having(func.count() > 0))
        }

    def agreement_by_week(self) -> Sequence[tuple[date, int, int]]:
        """Monday (UTC), decided, agreed; of both windows, oldest first."""
        week = cast(func.date_trunc("week", func.timezone("UTC", StudyReview.decided_at)), Date).label("week")
        query = (
            select(week, func.count(), func.count().filter(StudyReview.agrees_with_model.is_(True)))
            .join(Study, Study.id == StudyReview.study_id)
            .where(*self._watch.studies(StudyReview.decided_at), StudyReview.agrees_with_model.is_not(None))
            .group_by(week)
            .order_by(week)
        )
        return [(monday, decided, agreed) for monday, decided, agreed in self._session.execute(query)]

    def _distances(self, value: Any, columns: Sequence[Any], seen: Sequence[Any]) -> Any:
        """Two-sample Kolmogorov-Smirnov: the largest gap of the two running shares, ties taken together."""
        is_now = Study.received_at >= self._watch.since
        counted = (
            select(
                *columns,
                value.label("value"),
                func.count().filter(~is_now).label("before"),
                func.count().filter(is_now).label("now"),
            )
            .where(*seen)
            .group_by(*columns, value)
            .subquery()
        )
        keys = [counted.c[column.key] for column in columns]
        group = keys or None
        before, now = (
            func.sum(count).over(partition_by=group, order_by=counted.c.value)
            / func.nullif(func.sum(count).over(partition_by=group), 0)
            for count in (counted.c.before, counted.c.now)
        )
        shares = select(*keys, func.abs(before - now).label("gap")).subquery()
        found = [shares.c[column.key] for column in columns]
        return select(*found, func.max(shares.c.gap)).group_by(*found)


def _disposition_counts() -> list[Any]:
    return [func.count(case((Study.disposition == one, 1))).label(one.value) for one in Disposition]


def _group_columns(grouped: bool) -> list[InstrumentedAttribute[Any]]:
    return [Study.site_id, Study.modality] if grouped else []


def _scope(key: Sequence[Any]) -> Scope:
    return Group(*key) if key else None
