"""How a route says what is audited.

A route on ``gateway.deps.api_router`` declares its action, and cannot be built without one:

    @router.get("/{study_id}", responses=problems(NotFoundError))
    def read_study(study_id: UUID, caller: Reader, session: DbSession,
                   audit: Annotated[AuditEntry, audited("study.read", "study")]) -> StudyOut: ...

or, when the handler has nothing to add, ``dependencies=[audited("study.list", "study")]``.

The row is then written by the route class: in the request's own transaction when the handler succeeds, and
in a transaction of its own when the request is refused or fails, since its transaction is rolled back. The
object's id is the path parameter ``{object_type}_id`` where that is an id; a handler that makes an object sets
``audit.object_id``. Actor, site, request id and address are filled in. Neither ``object_id`` nor ``detail``
ever holds anything that identifies a patient or a person.

Addresses for other services (``gateway.deps.service_router``) write a row when they refuse. What a service
does is on record by what it changes: ``JobService`` writes a row for each change of a job, in its transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind, AuditEvent, Outcome
from ictus.domain.errors import IctusError
from ictus.http import current_request_id


@dataclass
class AuditEntry:
    """What a request does, as far as it is known yet."""

    action: str
    object_type: str | None = None
    object_id: str | UUID | None = None
    actor_kind: ActorKind = ActorKind.ANONYMOUS
    actor_id: UUID | None = None
    site_id: UUID | None = None
    address: str | None = None
    detail: dict[str, str | int | bool | None] = field(default_factory=dict)

    def actor_is_user(self, user_id: UUID, site_id: UUID | None) -> None:
        """Say who acts, where only the handler finds it out (signing in)."""
        self.actor_kind, self.actor_id, self.site_id = ActorKind.USER, user_id, site_id

    def write(self, session: Session, at: datetime, error: IctusError | None = None) -> None:
        """Add the row to the session's transaction.

        Args:
            session: the transaction.
            at: when it happened.
            error: what ended the request, None when it succeeded.
        """
        outcome = Outcome.DONE
        if error is not None:
            outcome = Outcome.REFUSED if error.status < 500 else Outcome.FAILED
        session.add(
            AuditEvent(
                at=at,
                actor_kind=self.actor_kind,
                actor_id=self.actor_id,
                site_id=self.site_id,
                action=self.action,
                object_type=self.object_type,
                object_id=None if self.object_id is None else str(self.object_id)[:64],
                outcome=outcome,
                code=None if error is None else error.code,
                request_id=current_request_id(),
                address=self.address,
                detail=self.detail,
            )
        )


@dataclass(frozen=True)
class AuditDeclaration:
    """A dependency that names what a route does and hands the handler its entry."""

    action: str
    object_type: str | None = None

    def __call__(self, request: Request) -> AuditEntry:
        """The entry of this request, which the route class opened."""
        entry: AuditEntry = request.state.audit
        return entry

    def open(self, request: Request) -> AuditEntry:
        """A new entry for a request on the declaring route."""
        return AuditEntry(
            action=self.action,
            object_type=self.object_type,
            object_id=_id_of(request.path_params.get(f"{self.object_type}_id")),
            address=_address_of(request),
        )


def _id_of(typed: str | None) -> UUID | None:
    """An id in an address; anything else there may be what a person typed, and a patient's name."""
    try:
        return UUID(typed) if typed else None
    except ValueError:
        return None


def _address_of(request: Request) -> str | None:
    """The caller's IP address; a proxy's word for it counts where the server is told to trust that proxy."""
    try:
        return str(ip_address(request.client.host)) if request.client else None
    except ValueError:  # a Unix socket has none
        return None


def audited(action: str, object_type: str | None = None) -> Any:
    """Declare a route's action, ``<object>.<verb>``, and the type of object that it is about."""
    return Depends(AuditDeclaration(action, object_type))
