"""Pages by key: a page begins after the last row of the one before, so it stays fast and stable at any depth."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")

PageSize = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """Some of a list, in its order."""

    items: Sequence[Item]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")
