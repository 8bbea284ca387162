"""What the token endpoint and the API of OAuth clients take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.auth.schemas import Name
from gateway.oauth.keys import ALGORITHMS

ScopeWord = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class KeySetDocument(BaseModel):
    """A JSON Web Key Set (RFC 7517) of public keys, each with a `kid`."""

    keys: list[dict[str, Any]] = Field(min_length=1, max_length=10)


class OAuthClientDraft(BaseModel):
    """Another system to register for SMART backend services."""

    name: Name = Field(description="The system that will use it.", examples=["EHR, St. Mary's"])
    site_id: UUID = Field(examples=["0b9f6a4e-6c1d-4a58-9f0e-2f6a7d1c3b5e"])
    scopes: list[ScopeWord] = Field(
        min_length=1,
        max_length=40,
        description="What it may ask for: SMART's system scopes, and this API's own.",
        examples=[["system/*.rs"]],
    )
    jwks: KeySetDocument = Field(description=f"Its public keys, RSA or P-384: {' or '.join(ALGORITHMS)}.")


class OAuthClientOut(BaseModel):
    """A registered system."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The `client_id`: issuer and subject of its assertions.")
    name: str
    scopes: list[str]
    site_id: UUID
    key_ids: list[str] = Field(description="`kid` of each registered key.")
    created_by: UUID
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenAnswer(BaseModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str = Field(examples=["ictusat_Zk3v9m7xq2phd4nw8trj6Zk3v9m7xq2phd4nw8trj6A"])
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds.", examples=[300])
    scope: str = Field(description="What it allows, which may be less than was asked for.")


class TokenRefusal(BaseModel):
    """Why no token was given (RFC 6749, 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str
