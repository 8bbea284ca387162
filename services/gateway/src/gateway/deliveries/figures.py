"""How much waits for other systems, and whether they answer."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.deliveries.models import OPEN, Delivery, DeliveryState, Destination, DestinationKind
from gateway.operations.gauge import Gauge
from gateway.settings import GatewaySettings


def gauges(session: Session, now: datetime, _settings: GatewaySettings) -> Iterator[Gauge]:
    """The deliveries' gauges, by kind of destination."""
    counts = {
        (kind, state): count
        for kind, state, count in session.execute(
            select(Destination.kind, Delivery.state, func.count())
            .select_from(Destination)
            .join(Delivery, Delivery.destination_id == Destination.id)
            .where(Delivery.state.in_((*OPEN, DeliveryState.DEAD)))
            .group_by(Destination.kind, Delivery.state)
        )
    }
    for kind in DestinationKind:
        for state in (*OPEN, DeliveryState.DEAD):
            told = "Deliveries to other systems that wait, are being sent, or were given up."
            labels = {"kind": kind.value, "state": state.value}
            yield Gauge("ictus_deliveries", told, counts.get((kind, state), 0), labels)
    oldest = session.scalar(select(func.min(Delivery.created_at)).where(Delivery.state.in_(OPEN)))
    waited = (now - oldest).total_seconds() if oldest else 0.0
    yield Gauge(
        "ictus_oldest_open_delivery_seconds", "How long the delivery that waits longest has waited.", waited
    )
    silent = session.scalar(select(func.count()).where(Destination.failures > 0, Destination.enabled)) or 0
    yield Gauge("ictus_silent_destinations", "Destinations that did not answer when last spoken to.", silent)
