"""The gateway's metrics for Prometheus: what waits, as the database says, and how long answers took, as they come."""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, cast

import structlog
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from gateway.operations.answered import Answered
from gateway.operations.gauge import Gauge
from gateway.settings import GatewaySettings
from ictus.telemetry import process_registry

_FRESH: Final = timedelta(seconds=5)
"""How long a feature's figures are told again before the database is asked anew, whoever scrapes however often. A
``figures.py`` whose question is a long one says another ``FRESH``."""

_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_log = structlog.get_logger(__name__)


class Figures(Protocol):
    """A feature's ``figures.py``."""

    def gauges(self, session: Session, now: datetime, settings: GatewaySettings) -> Iterable[Gauge]:
        """What it tells now."""


def features_figures() -> Iterator[Figures]:
    """``figures.py`` of every feature that has one, in alphabetical order."""
    root = Path(__file__).parents[1]
    for feature in pkgutil.iter_modules([str(root)]):
        if feature.ispkg and (root / feature.name / "figures.py").exists():
            yield cast("Figures", importlib.import_module(f"gateway.{feature.name}.figures"))


@dataclass(frozen=True)
class _Told:
    gauges: tuple[Gauge, ...]
    at: datetime


class DatabaseFigures(Collector):
    """The features' gauges, read from the database when Prometheus asks, each at most once while it is fresh.

    A database that does not answer makes ``ictus_database_up`` 0 and leaves the others out: a figure that is not known
    is not told.
    """

    def __init__(
        self, sessions: sessionmaker[Session], clock: Callable[[], datetime], settings: GatewaySettings
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._told: dict[Figures, _Told] = {}

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing beforehand, so that registering this asks no database."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families."""
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self.read():
            family = families.setdefault(
                gauge.name, GaugeMetricFamily(gauge.name, gauge.help, labels=list(gauge.labels))
            )
            family.add_metric(list(gauge.labels.values()), gauge.value)
        yield from families.values()

    def read(self) -> list[Gauge]:
        """Every feature's gauges, of now or of a little while ago."""
        up = "Whether the gateway's database answered."
        with self._lock:
            try:
                with self._sessions() as session:
                    session.execute(select(1))
                    found = [gauge for figures in features_figures() for gauge in self._of(figures, session)]
            except SQLAlchemyError as error:
                _log.warning("figures_not_read", exc_info=error)
                return [Gauge("ictus_database_up", up, 0)]
        return [Gauge("ictus_database_up", up, 1), *found]

    def _of(self, figures: Figures, session: Session) -> tuple[Gauge, ...]:
        now = self._clock()
        told = self._told.get(figures)
        fresh: timedelta = getattr(figures, "FRESH", _FRESH)
        if told is None or not timedelta(0) <= now - told.at < fresh:
            told = self._told[figures] = _Told((*figures.gauges(session, now, self._settings),), now)
        return told.gauges


class GatewayMetrics:
    """All of the gateway's own metrics, in ``registry``.

    Args:
        sessions: asked when Prometheus asks.
        clock: gives the present time, with its time zone.
        settings: the installation's.
    """

    def __init__(
        self, sessions: sessionmaker[Session], clock: Callable[[], datetime], settings: GatewaySettings
    ) -> None:
        self.registry = process_registry()
        self.figures = DatabaseFigures(sessions, clock, settings)
        self.registry.register(self.figures)
        self._answer = Histogram(
            "ictus_answer_seconds",
            "From a study's arrival to its stored answer: in the queue, being analysed, and in all.",
            ("stage", "priority"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._worker = Histogram(
            "ictus_analysis_stage_seconds",
            "Stages of an analysis, as the worker timed them.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answers = Counter(
            "ictus_answers",
            "Answers of the model.",
            ("disposition", "finding", "modality", "model_version"),
            registry=self.registry,
        )
        self._novelty = Histogram(
            "ictus_answer_novelty",
            "How unlike the training slices the input was; above 1 is outside of them.",
            ("modality",),
            buckets=(0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0),
            registry=self.registry,
        )
        self._intensity = Histogram(
            "ictus_answer_intensity",
            "Mean grey of the head region as the network is shown it, 0 black .. 1 white.",
            ("modality",),
            buckets=(0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8),
            registry=self.registry,
        )

    def observe(self, answered: Answered) -> None:
        """Count an answer that has been stored."""
        for stage, took in answered.stages.items():
            self._answer.labels(stage, answered.priority).observe(took.total_seconds())
        for timing in answered.prediction.timings:
            self._worker.labels(timing.stage).observe(timing.seconds)
        said = answered.prediction
        self._answers.labels(
            said.disposition, said.finding or "none", answered.modality, said.model_version
        ).inc()
        if said.novelty is not None:
            self._novelty.labels(answered.modality).observe(said.novelty)
        if said.intensity is not None:
            self._intensity.labels(answered.modality).observe(said.intensity.mean)
