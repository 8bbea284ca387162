"""Drift, as the monitoring page judges it over its usual windows, all sites together and each by itself."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from gateway.monitoring.repository import Watch
from gateway.monitoring.schemas import Figure
from gateway.monitoring.service import MonitoringService, alarm_limits, windows
from gateway.operations.gauge import Gauge
from gateway.settings import GatewaySettings

FRESH: Final = timedelta(minutes=15)
_DAYS: Final = 30
_REFERENCE_DAYS: Final = 90


def gauges(session: Session, now: datetime, settings: GatewaySettings) -> Iterator[Gauge]:
    """How many alarms each figure raises."""
    watch = Watch(*windows(now, _DAYS, _REFERENCE_DAYS), site_id=None, modality=None)
    raised = Counter(
        alarm.figure for alarm in MonitoringService(session, watch, alarm_limits(settings)).look().alarms
    )
    for figure in Figure:
        yield Gauge(
            "ictus_drift_alarms",
            "Shifts of this figure that chance does not explain, overall and by site and modality.",
            raised[figure],
            {"figure": figure},
        )
