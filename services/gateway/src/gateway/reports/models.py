"""The table of next-step rules: every version that an administrator has put, none ever changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base


class NextStepRules(Base):
    """One version of ``ictus.report.NextStepTable``. The highest holds; without any, the built-in table does."""

    __tablename__ = "next_step_rules"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
