"""Looking for alerts that nobody has taken on in time."""

from datetime import timedelta
from typing import Final

from gateway.resources import Resources
from gateway.triage.service import escalate_due

_MOST: Final = 200


def escalate_alerts(resources: Resources) -> int:
    """Escalate alerts that have waited for too long; how many. None when the setting says never."""
    minutes = resources.settings.alert_escalation_minutes
    if minutes == 0:
        return 0
    now = resources.clock()
    with resources.sessions.begin() as session:
        return escalate_due(session, now - timedelta(minutes=minutes), now, _MOST)
