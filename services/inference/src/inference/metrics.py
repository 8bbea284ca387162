"""The worker's metrics: how its jobs ended, how long their stages took, which models it holds."""

from collections.abc import Callable, Collection, Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ictus.contracts.prediction import PredictionResult
from ictus.telemetry import process_registry


class _ModelsInMemory(Collector):
    """One sample for each version in memory at the moment of the scrape."""

    def __init__(self, versions: Callable[[], Collection[str]]) -> None:
        self._versions = versions

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("ictus_worker_model", "Models in memory.", labels=["version"])
        for version in sorted(self._versions()):
            family.add_metric([version], 1)
        yield family


class WorkerMetrics:
    """All of a worker's metrics, in ``registry``.

    Args:
        versions: of the models in memory.
    """

    def __init__(self, versions: Callable[[], Collection[str]]) -> None:
        self.registry = process_registry()
        self.registry.register(_ModelsInMemory(versions))
        self._jobs = Counter(
            "ictus_worker_jobs", "Jobs by how they ended here.", ("outcome",), registry=self.registry
        )
        self._stages = Histogram(
            "ictus_worker_stage_seconds",
            "Stages of the jobs that were answered.",
            ("stage",),
            buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
            registry=self.registry,
        )
        self._slices = Counter("ictus_worker_slices", "Slices of answered jobs.", registry=self.registry)

    def answered(self, result: PredictionResult) -> None:
        """Count a job whose answer the gateway has taken."""
        self._jobs.labels("answered").inc()
        for timing in result.timings:
            self._stages.labels(timing.stage).observe(timing.seconds)
        self._slices.inc(sum(len(series.slices) for series in result.series))

    def given_up(self, code: str) -> None:
        """Count a job that this worker could not answer. ``code`` is the error's stable code."""
        self._jobs.labels(code).inc()

    def lost(self) -> None:
        """Count a job that another worker had taken over."""
        self._jobs.labels("fence_lost").inc()
