"""What the API of people and API keys takes and gives."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.auth.models import Scope, UserState
from gateway.auth.schemas import Name, PersonRole


class UserOut(BaseModel):
    """A person, as administrators see them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str = Field(examples=["ana.lopez@hospital.org"])
    name: str = Field(examples=["Ana López"])
    state: UserState
    role: PersonRole | None = Field(description="Null until approved.")
    site_id: UUID | None = Field(description="Null until approved.")
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None


class Approval(BaseModel):
    """What an administrator gives a person who registered."""

    role: PersonRole = Field(examples=["radiologist"])
    site_id: UUID = Field(examples=["0b9f6a4e-6c1d-4a58-9f0e-2f6a7d1c3b5e"])


class UserChange(BaseModel):
    """A new role or site; what is left out stays."""

    role: PersonRole | None = Field(default=None, examples=["clinician"])
    site_id: UUID | None = Field(default=None, examples=["0b9f6a4e-6c1d-4a58-9f0e-2f6a7d1c3b5e"])


class OneTimePassword(BaseModel):
    """A password for one sign-in, shown once."""

    one_time_password: str = Field(examples=["k3v9m-7xq2p-hd4nw-8trj6"])
    expires_at: datetime = Field(description="From then on it lets nobody in.")


class ApiKeyDraft(BaseModel):
    """An API key to issue."""

    name: Name = Field(description="The system that will use it.", examples=["PACS router, St. Mary's"])
    site_id: UUID = Field(examples=["0b9f6a4e-6c1d-4a58-9f0e-2f6a7d1c3b5e"])
    scopes: set[Scope] = Field(min_length=1, examples=[["studies:read", "studies:write"]])
    expires_at: AwareDatetime | None = Field(
        default=None, description="Never, when left out.", examples=["2027-12-31T23:59:59Z"]
    )


class ApiKeyOut(BaseModel):
    """An API key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    prefix: str = Field(description="How the key begins, to tell keys apart.", examples=["ictus_Zk3v9m"])
    scopes: list[Scope]
    site_id: UUID
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class IssuedApiKey(BaseModel):
    """A new API key with its secret, which is shown once and stored nowhere."""

    key: str = Field(examples=["ictus_Zk3v9m7xq2phd4nw8trj6Zk3v9m7xq2phd4nw8trj6A"])
    api_key: ApiKeyOut
