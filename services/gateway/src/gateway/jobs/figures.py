"""How much analysis waits and runs, and who does it."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.jobs.repository import JobRepository
from gateway.operations.gauge import Gauge
from gateway.settings import GatewaySettings


def gauges(session: Session, now: datetime, _settings: GatewaySettings) -> Iterator[Gauge]:
    """The queue's gauges."""
    jobs = JobRepository(session)
    figures = jobs.figures()
    told = "Analyses that wait, run or were given up; shadow ones apart."
    states = {
        "queued": figures.queued,
        "queued_stat": figures.queued_stat,
        "running": figures.running,
        "failed": figures.failed,
        "shadow": jobs.shadows_open(),
    }
    for state, count in states.items():
        yield Gauge("ictus_jobs", told, count, {"state": state})
    oldest = figures.oldest_queued_at
    waited = (now - oldest).total_seconds() if oldest else 0.0
    yield Gauge(
        "ictus_oldest_queued_job_seconds", "How long the analysis that waits longest has waited.", waited
    )
    yield Gauge(
        "ictus_expired_leases", "Running analyses whose worker has fallen silent.", jobs.expired_leases(now)
    )
