"""Who makes a request, as every handler sees it."""

from dataclasses import dataclass
from uuid import UUID

from gateway.audit.models import ActorKind
from gateway.auth.models import Scope
from gateway.auth.permissions import NOTHING, Grants, Permission
from ictus.domain.enums import Role


@dataclass(frozen=True)
class Caller:
    """A signed-in person or an API client.

    Attributes:
        kind: ``USER`` or ``API_CLIENT``.
        id: of the user, the API key or the OAuth client.
        role: ``API_CLIENT`` for a machine.
        site_id: the site whose objects the caller may reach; others do not exist for it.
        session_id: of the browser session, None for a machine.
        grants: of the key or token; of a person, what people may do by FHIR.
        must_change_password: whether a person signed in with a one-time password.
    """

    kind: ActorKind
    id: UUID
    role: Role
    site_id: UUID
    session_id: UUID | None = None
    grants: Grants = NOTHING
    must_change_password: bool = False

    def allows(self, need: Scope | Permission) -> bool:
        """Whether the grants hold what a route or a part of an answer asks for."""
        return need in self.grants.scopes if isinstance(need, Scope) else need in self.grants.permissions
