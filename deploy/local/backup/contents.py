"""What a backup holds, by name, and how each part is known again."""

import hashlib
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict

MANIFEST: Final = "manifest.json"
FILES: Final = "files"
"""Folder of files of the data folder: secrets, keys, the spool."""
DATABASES: Final = "databases"
OBJECTS: Final = "objects"
CONTENT_TYPE: Final = "ICTUS.content_type"
"""Extended header of an object's entry."""


class Part(BaseModel):
    """One entry of the archive."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    bytes: int


class Rows(BaseModel):
    """The content of one table, whatever order its rows come in."""

    model_config = ConfigDict(frozen=True)

    count: int
    checksum: str
    """The sum of PostgreSQL's 64-bit hashes of the rows as text."""


class Manifest(BaseModel):
    """What must be there after a restore.

    Attributes:
        format: of the archive.
        created_at: when the databases' snapshots were taken, UTC.
        tables: by ``database.schema.table``.
        parts: by name in the archive.
    """

    format: Literal[1] = 1
    created_at: datetime
    tables: dict[str, dict[str, Rows]]
    parts: dict[str, Part]

    @property
    def objects(self) -> int:
        """How many objects there are, in all buckets."""
        return sum(PurePosixPath(name).parts[0] == OBJECTS for name in self.parts)

    @property
    def rows(self) -> int:
        """How many rows there are, in all tables."""
        return sum(rows.count for tables in self.tables.values() for rows in tables.values())


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes; none at the end."""
        ...


class Hashed:
    """Reads from another, and knows the digest of what was read."""

    def __init__(self, source: Readable | BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes; none at the end."""
        block = self._source.read(size)
        self._digest.update(block)
        self._bytes += len(block)
        return block

    def read_all(self) -> "Part":
        """Read to the end; gives what was read, from the beginning on."""
        while self.read(1 << 20):
            pass
        return self.part

    @property
    def part(self) -> Part:
        """What was read so far."""
        return Part(sha256=self._digest.hexdigest(), bytes=self._bytes)
