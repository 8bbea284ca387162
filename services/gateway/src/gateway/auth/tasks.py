"""Housekeeping of sessions and throttles."""

from datetime import timedelta

import structlog
from celery import Celery

from gateway.auth.repository import SessionRepository, ThrottleRepository
from gateway.oauth.repository import OAuthRepository
from gateway.oidc.repository import SignInRepository
from gateway.queues import PURGE_SESSIONS
from gateway.resources import Resources

THROTTLE_MEMORY = timedelta(days=1)

_log = structlog.get_logger(__name__)


def purge_sessions(resources: Resources) -> int:
    """Delete sessions, sign-ins, tokens and assertions that are over, and throttles nobody needs; the number of sessions deleted."""
    now = resources.clock()
    with resources.sessions.begin() as session:
        purged = SessionRepository(session).purge(now, now - resources.settings.session_idle)
        ThrottleRepository(session).purge(now - THROTTLE_MEMORY)
        OAuthRepository(session).purge(now)
        SignInRepository(session).purge(now)
    return purged


def register(celery: Celery, resources: Resources) -> None:
    """Declare the tasks."""

    @celery.task(name=PURGE_SESSIONS)
    def purge() -> None:
        _log.info("sessions_purged", count=purge_sessions(resources))
