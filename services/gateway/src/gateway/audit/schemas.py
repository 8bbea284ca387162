"""What the API of the audit trail gives."""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.audit.models import ActorKind, Outcome


class AuditEventOut(BaseModel):
    """Who did, saw or was refused what, and when."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_name: str | None = Field(default=None, description="The present name of the user, key or client.")
    site_id: UUID | None = Field(description="The actor's site.")
    action: str = Field(examples=["study.read"])
    object_type: str | None = Field(examples=["study"])
    object_id: str | None
    outcome: Outcome
    code: str | None = Field(description="Why it was refused or failed.", examples=["role_refused"])
    request_id: str | None
    address: IPv4Address | IPv6Address | None
    detail: dict[str, str | int | bool | None]
