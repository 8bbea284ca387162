"""Reading the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.audit.models import AuditEvent, Outcome
from gateway.auth.models import ApiKey, User
from gateway.oauth.models import OAuthClient


@dataclass(frozen=True)
class AuditFilter:
    """Which rows; None leaves a field open."""

    actor_id: UUID | None = None
    site_id: UUID | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    outcome: Outcome | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository:
    """The audit trail, newest first."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(
        self, wanted: AuditFilter, before: int | None, limit: int
    ) -> Sequence[tuple[AuditEvent, str | None]]:
        """At most ``limit`` rows older than row ``before``, each with its actor's present name if there is one."""
        actor_name = func.coalesce(User.name, ApiKey.name, OAuthClient.name)
        query = (
            select(AuditEvent, actor_name)
            .outerjoin(User, User.id == AuditEvent.actor_id)
            .outerjoin(ApiKey, ApiKey.id == AuditEvent.actor_id)
            .outerjoin(OAuthClient, OAuthClient.id == AuditEvent.actor_id)
            .order_by(AuditEvent.id.desc())
            .limit(limit)
        )
        for name in ("actor_id", "site_id", "action", "object_type", "object_id", "outcome", "request_id"):
            value = getattr(wanted, name)
            if value is not None:
                query = query.where(getattr(AuditEvent, name) == value)
        if wanted.since is not None:
            query = query.where(AuditEvent.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(AuditEvent.at < wanted.until)
        if before is not None:
            query = query.where(AuditEvent.id < before)
        return [(event, name) for event, name in self._session.execute(query)]
