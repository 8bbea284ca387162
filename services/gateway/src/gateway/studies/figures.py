"""What of the worklist waits for people."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.operations.gauge import Gauge
from gateway.settings import GatewaySettings
from gateway.studies.models import ObjectRemoval, Study, StudyState


def gauges(session: Session, now: datetime, _settings: GatewaySettings) -> Iterator[Gauge]:
    """The studies' gauges."""
    held = session.scalar(select(func.count()).select_from(Study).where(Study.state == StudyState.HELD))
    yield Gauge("ictus_held_studies", "Studies that wait for an administrator's release.", held or 0)
    due = session.scalar(
        select(func.count()).select_from(ObjectRemoval).where(ObjectRemoval.remove_after < now)
    )
    yield Gauge(
        "ictus_due_object_removals", "Prefixes of the object store that should be empty by now.", due or 0
    )
