"""Cursors of lists that are paged by key: opaque to the caller, who passes back what it was given."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from ictus.domain.errors import InvalidRequestError


class CursorError(InvalidRequestError):
    """A cursor that this list did not give out."""

    code = "cursor_unknown"
    title = "The page cursor is not one of this list. Start again from the first page."


def encode_cursor(*key: str) -> str:
    """A cursor that stands behind the row with this sort key, whose parts hold no space."""
    return base64.urlsafe_b64encode(" ".join(key).encode()).decode()


def decode_cursor(cursor: str, parts: int) -> list[str]:
    """The sort key, in ``parts`` parts. Raises ``CursorError``."""
    try:
        key = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
    except (binascii.Error, ValueError):
        raise CursorError from None
    if len(key) != parts:
        raise CursorError
    return key


def time_cursor(at: datetime, row_id: UUID) -> str:
    """A cursor of a list that is in the order of a time, then of ids."""
    return encode_cursor(at.isoformat(), str(row_id))


def time_position(cursor: str) -> tuple[datetime, UUID]:
    """What ``time_cursor`` was made from. Raises ``CursorError``."""
    at, row_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), UUID(row_id)
    except ValueError:
        raise CursorError from None
