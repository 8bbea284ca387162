"""Identifiers: random UUIDs made by the server, never anything derived from a patient."""

from uuid import UUID, uuid4


def new_id() -> UUID:
    """A random (version 4) UUID."""
    return uuid4()
