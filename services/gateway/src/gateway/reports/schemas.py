"""What the API says about the next-step rules."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from ictus.report import NextStepTable


class NextStepRulesDraft(BaseModel):
    """A change of the rules: the whole table, and the version that it was made from."""

    based_on: int = Field(
        ge=0, description="`version` of the table that was read; another change is refused."
    )
    table: NextStepTable


class NextStepRulesOut(BaseModel):
    """The rules that reports are made with now."""

    version: int = Field(description="0 is the built-in table.")
    table: NextStepTable
    changed_at: datetime | None = Field(description="Null for the built-in table.")
    changed_by: UUID | None = Field(description="The administrator; null for the built-in table.")
