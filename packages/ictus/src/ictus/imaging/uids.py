"""The UIDs that stand for the sender's."""

import hashlib
import hmac
from uuid import UUID


def replacement_uid(key: bytes, uid: str) -> str:
    """The UID that stands for ``uid`` everywhere: 2.25. and a UUID (PS3.5 B.2) from HMAC-SHA256.

    The same key and UID always give the same replacement; without the key it cannot be traced back.
    """
    digest = hmac.new(key, uid.encode(), hashlib.sha256).digest()
    return f"2.25.{UUID(bytes=digest[:16], version=5).int}"
