"""What the API of sites takes and gives."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.auth.schemas import Name


class SiteDraft(BaseModel):
    """A site to make, or its new name."""

    name: Name = Field(examples=["St. Mary's, Emergency"])


class SiteOut(BaseModel):
    """A hospital or department that objects belong to."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    created_at: datetime
