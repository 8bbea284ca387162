"""Putting a monitoring page together: windows, measures, sentences, alarms."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.monitoring.drift import (
    categories_p_value,
    fall_p_value,
    kolmogorov_p_value,
    stability_index,
)
from gateway.monitoring.repository import (
    SCALES,
    Agreement,
    Counted,
    Group,
    MonitoringRepository,
    Samples,
    Scope,
    Watch,
)
from gateway.monitoring.schemas import (
    AgreementFigures,
    Alarm,
    AlarmLimits,
    Category,
    DayFigures,
    Distribution,
    Drift,
    Figure,
    Monitoring,
    TimeWindow,
    Volume,
)
from gateway.settings import GatewaySettings
from gateway.sites.repository import SiteRepository
from ictus.domain.enums import Disposition, Modality

_NAMES: Final = {
    Figure.STROKE_PROBABILITY: "The stroke probability",
    Figure.NOVELTY: "How unlike the training scans are",
    Figure.UNCERTAINTY: "The uncertainty",
    Figure.INTENSITY: "How bright the heads are",
    Figure.CONTRAST: "The contrast within the heads",
    Figure.SCANNER: "The mix of scanners",
    Figure.DISPOSITION: "The mix of confident, uncertain and unsuitable answers",
    Figure.AGREEMENT: "The readers' agreement with the model",
}
_MOST_SCANNERS: Final = 9
"""Shown and counted by name; the others are taken together."""


def alarm_limits(settings: GatewaySettings) -> AlarmLimits:
    """The installation's limits."""
    return AlarmLimits(
        psi_at_least=settings.drift_psi,
        p_value_below=settings.drift_p_value,
        least_studies=settings.drift_least_studies,
        agreement_drop=settings.drift_agreement_drop,
        least_reviews=settings.drift_least_reviews,
    )


def windows(now: datetime, days: int, reference_days: int) -> tuple[datetime, datetime, datetime]:
    """Where the reference window begins, where the current one does, and where that ends: at whole days (UTC).

    The current window holds today and the ``days - 1`` days before; the reference window lies right before it.
    """
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    since = today - timedelta(days=days - 1)
    return since - timedelta(days=reference_days), since, today + timedelta(days=1)


class MonitoringService:
    """One look at studies and reviews within ``session``'s transaction."""

    def __init__(self, session: Session, watch: Watch, limits: AlarmLimits) -> None:
        self._session = session
        self._watch = watch
        self._limits = limits
        self._counts = MonitoringRepository(session, watch)

    def look(self) -> Monitoring:
        """Everything at once."""
        overall = self._drifts(grouped=False).get(None, [])
        by_group = self._drifts(grouped=True)
        names = {site.id: site.name for site in SiteRepository(self._session).all()}
        groups = [
            Volume(
                site_id=row.site_id,
                site_name=names[row.site_id],
                modality=row.modality,
                received=row.received,
                dispositions=_dispositions(row),
                drifts=by_group.get(Group(row.site_id, row.modality), []),
            )
            for row in self._counts.volumes()
        ]
        return Monitoring(
            current=TimeWindow(since=self._watch.since, until=self._watch.until),
            reference=TimeWindow(since=self._watch.reference_since, until=self._watch.since),
            limits=self._limits,
            days=list(self._days()),
            agreement=[
                AgreementFigures(week=week, decided=decided, agreed=agreed)
                for week, decided, agreed in self._counts.agreement_by_week()
            ],
            drifts=overall,
            groups=groups,
            alarms=[*_alarms(overall, None, None, None), *_group_alarms(groups)],
        )

    def _days(self) -> Iterator[DayFigures]:
        rows = {row.day: row for row in self._counts.days()}
        day = self._watch.since.date()
        while day < self._watch.until.date():
            row = rows.get(day)
            yield DayFigures(
                day=day,
                received=row.received if row else 0,
                answered=row.answered if row else 0,
                failed=row.failed if row else 0,
                dispositions=_dispositions(row) if row else dict.fromkeys(Disposition, 0),
                mean_stroke_probability=row.mean_stroke_probability if row else None,
                mean_novelty=row.mean_novelty if row else None,
                mean_uncertainty=row.mean_uncertainty if row else None,
                mean_intensity=row.mean_intensity if row else None,
            )
            day += timedelta(days=1)

    def _drifts(self, *, grouped: bool) -> dict[Scope, list[Drift]]:
        found: dict[Scope, list[Drift]] = {}
        for figure in SCALES:
            for scope, samples in self._counts.samples(figure, grouped=grouped).items():
                found.setdefault(scope, []).append(self._of_values(figure, samples))
        for scope, scanners in self._counts.scanners(grouped=grouped).items():
            found.setdefault(scope, []).append(self._of_scanners(scanners))
        for scope, (before, now) in self._counts.dispositions(grouped=grouped).items():
            found.setdefault(scope, []).append(self._of_dispositions(before, now))
        for scope, agreement in self._counts.agreement(grouped=grouped).items():
            found.setdefault(scope, []).append(self._of_agreement(agreement))
        return found

    def _of_values(self, figure: Figure, samples: Samples) -> Drift:
        before, now = sum(samples.reference), sum(samples.current)
        psi = ks = p_value = None
        if min(before, now) >= self._limits.least_studies and samples.distance is not None:
            psi = stability_index(samples.reference, samples.current)
            ks = samples.distance
            p_value = kolmogorov_p_value(ks, before, now)
        return self._judged(
            Drift(
                figure=figure,
                reference_count=before,
                current_count=now,
                distribution=Distribution(
                    edges=samples.edges,
                    reference=samples.reference,
                    current=samples.current,
                ),
                psi=psi,
                ks=ks,
                p_value=p_value,
                alarm=False,
                sentence="",
            )
        )

    def _of_dispositions(self, before: list[int], now: list[int]) -> Drift:
        return self._judged(self._of_categories(Figure.DISPOSITION, before, now))

    def _of_scanners(self, scanners: list[Counted]) -> Drift:
        named, rare = scanners[:_MOST_SCANNERS], scanners[_MOST_SCANNERS:]
        if rare:
            before, now = sum(one.reference for one in rare), sum(one.current for one in rare)
            named = [*named, Counted(f"{len(rare)} others", before, now)]
        drift = self._judged(
            self._of_categories(
                Figure.SCANNER, [one.reference for one in named], [one.current for one in named]
            )
        )
        told = f"{drift.sentence} {_most_moved(named)}" if drift.alarm else drift.sentence
        categories = [Category(name=one.name, reference=one.reference, current=one.current) for one in named]
        return drift.model_copy(update={"categories": categories, "sentence": told})

    def _of_categories(self, figure: Figure, before: list[int], now: list[int]) -> Drift:
        psi = p_value = None
        if min(sum(before), sum(now)) >= self._limits.least_studies:
            psi = stability_index(before, now)
            p_value = categories_p_value(psi, sum(before), sum(now), len(before))
        return Drift(
            figure=figure,
            reference_count=sum(before),
            current_count=sum(now),
            distribution=None,
            psi=psi,
            ks=None,
            p_value=p_value,
            alarm=False,
            sentence="",
        )

    def _judged(self, drift: Drift) -> Drift:
        """Say whether the measures are an alarm, and what they mean."""
        name, counts = (
            _NAMES[drift.figure],
            f"{drift.current_count} studies now, {drift.reference_count} before",
        )
        if drift.psi is None or drift.p_value is None:
            told = f"Too few studies to tell ({counts}; {self._limits.least_studies} of each are needed)."
            return drift.model_copy(update={"sentence": told})
        large = drift.psi >= self._limits.psi_at_least
        alarm = large and drift.p_value < self._limits.p_value_below
        measure = f"PSI {drift.psi:.2f}, {counts}"
        if alarm:
            told = f"{name}: a shift that chance does not explain ({measure})."
        elif large:
            told = f"{name}: a shift that may be chance ({measure})."
        else:
            told = f"{name}: no shift to speak of ({measure})."
        return drift.model_copy(update={"alarm": alarm, "sentence": told})

    def _of_agreement(self, counted: Agreement) -> Drift:
        p_value, alarm = None, False
        counts = f"{counted.current} reviews now, {counted.reference} before"
        if min(counted.reference, counted.current) < self._limits.least_reviews:
            told = f"Too few reviews to tell ({counts}; {self._limits.least_reviews} of each are needed)."
        else:
            before = counted.reference_agreed / counted.reference
            now = counted.current_agreed / counted.current
            p_value = fall_p_value(before, counted.reference, now, counted.current)
            alarm = before - now > self._limits.agreement_drop and p_value < self._limits.p_value_below
            verb = "has fallen" if alarm else "is steady" if abs(before - now) < 0.05 else "has moved"
            told = f"{_NAMES[Figure.AGREEMENT]} {verb}: {before:.0%} before, {now:.0%} now ({counts})."
        return Drift(
            figure=Figure.AGREEMENT,
            reference_count=counted.reference,
            current_count=counted.current,
            distribution=None,
            psi=None,
            ks=None,
            p_value=p_value,
            alarm=alarm,
            sentence=told,
        )


def _most_moved(scanners: list[Counted]) -> str:
    """Whose share has moved most, in words; both windows have studies."""
    before, now = sum(one.reference for one in scanners), sum(one.current for one in scanners)
    most = max(scanners, key=lambda one: abs(one.current / now - one.reference / before))
    return f"Most of it is {most.name}: {most.reference / before:.0%} before, {most.current / now:.0%} now."


def _alarms(
    drifts: list[Drift], site_id: UUID | None, site_name: str | None, modality: Modality | None
) -> list[Alarm]:
    return [
        Alarm(
            figure=drift.figure,
            site_id=site_id,
            site_name=site_name,
            modality=modality,
            sentence=drift.sentence,
        )
        for drift in drifts
        if drift.alarm
    ]


def _group_alarms(groups: list[Volume]) -> Iterator[Alarm]:
    for group in groups:
        yield from _alarms(group.drifts, group.site_id, group.site_name, group.modality)


def _dispositions(row: object) -> dict[Disposition, int]:
    return {one: getattr(row, one.value) for one in Disposition}
