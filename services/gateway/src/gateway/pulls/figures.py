"""How much waits to be fetched from archives."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.operations.gauge import Gauge
from gateway.pulls.models import OPEN, Pull
from gateway.settings import GatewaySettings


def gauges(session: Session, now: datetime, _settings: GatewaySettings) -> Iterator[Gauge]:
    """The pulls' gauges."""
    query = select(Pull.state, func.count()).where(Pull.state.in_(OPEN)).group_by(Pull.state)
    counts = {state: count for state, count in session.execute(query)}
    for state in OPEN:
        told = "Studies that wait to be fetched from an archive, or are being fetched."
        yield Gauge("ictus_pulls", told, counts.get(state, 0), {"state": state.value})
    oldest = session.scalar(select(func.min(Pull.created_at)).where(Pull.state.in_(OPEN)))
    yield Gauge(
        "ictus_oldest_open_pull_seconds",
        "How long the study that waits longest has waited to be fetched.",
        (now - oldest).total_seconds() if oldest else 0.0,
    )
