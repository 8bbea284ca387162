"""Cursors of lists that are paged by key: opaque to the caller, who passes back what it was given."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from ictus.domain.errors import InvalidRequestError

PageSize = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]

Key = Sequence[int | float | datetime | UUID]
"""A row's sort key, the id last."""


class CursorRefusedError(InvalidRequestError):
    """The cursor did not come from a page of this list."""

    code = "cursor_refused"
    title = "The list cannot go on from there. Start again from its beginning."


def encode_cursor(key: Key) -> str:
    """A cursor that stands behind the row with this sort key."""
    members = [
        part.isoformat() if isinstance(part, datetime) else part.hex if isinstance(part, UUID) else part
        for part in key
    ]
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode()


def decode_cursor(cursor: str, kinds: Sequence[type]) -> Key:
    """The sort key, its parts of these kinds.

    Raises:
        CursorRefusedError: the cursor is none of a list that is sorted so.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise CursorRefusedError
        return [_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (binascii.Error, ValueError, TypeError) as error:
        raise CursorRefusedError from error


def _part(part: object, kind: type) -> int | float | datetime | UUID:
    if kind is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise CursorRefusedError
        return moment
    if kind is UUID and isinstance(part, str):
        return UUID(hex=part)
    if kind is int and type(part) is int and 0 <= part < 2**15:
        return part
    if kind is float and type(part) in {int, float}:
        return float(part)  # type: ignore[arg-type]
    raise CursorRefusedError
