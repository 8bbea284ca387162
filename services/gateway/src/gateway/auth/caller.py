"""Who makes a request, as every handler sees it."""

from dataclasses import dataclass
from uuid import UUID

from gateway.audit.models import ActorKind
from gateway.auth.models import Scope
from ictus.domain.enums import Role


@dataclass(frozen=True)
class Caller:
    """A signed-in person or an API client.

    Attributes:
        kind: ``USER`` or ``API_CLIENT``.
        id: of the user or of the API key.
        role: ``API_CLIENT`` for a key.
        site_id: the site whose objects the caller may reach; others do not exist for it.
        session_id: of the browser session, None for a key.
        scopes: of the key, empty for a person.
        must_change_password: whether a person signed in with a one-time password.
    """

    kind: ActorKind
    id: UUID
    role: Role
    site_id: UUID
    session_id: UUID | None = None
    scopes: frozenset[Scope] = frozenset()
    must_change_password: bool = False
