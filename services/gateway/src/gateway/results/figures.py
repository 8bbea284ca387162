"""What the feedback service has not been told yet."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.operations.gauge import Gauge
from gateway.results.models import OutboxMessage
from gateway.settings import GatewaySettings


def gauges(session: Session, now: datetime, _settings: GatewaySettings) -> Iterator[Gauge]:
    """The outbox's gauges."""
    waits = OutboxMessage.delivered_at.is_(None)
    count, oldest = session.execute(
        select(func.count(), func.min(OutboxMessage.created_at)).where(waits)
    ).one()
    yield Gauge("ictus_outbox_messages", "Messages to the feedback service that it has not taken.", count)
    waited = (now - oldest).total_seconds() if oldest else 0.0
    yield Gauge("ictus_oldest_outbox_message_seconds", "How long the oldest of them has waited.", waited)
