"""A figure of the database at one moment, as a feature's ``figures.py`` gives it.

    def gauges(session: Session, now: datetime, settings: GatewaySettings) -> Iterator[Gauge]: ...

Names and labels are bounded: no id, nothing that a person typed. They are the same on every replica of the gateway, so
a query takes ``max`` of them, never ``sum``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value. ``name`` begins with ``ictus_`` and ends with its unit where it has one (``_seconds``)."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
