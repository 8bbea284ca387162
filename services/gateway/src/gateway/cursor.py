"""Cursors of lists that are paged by key: opaque to the caller, who passes back what it was given."""

import base64
import binascii

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
