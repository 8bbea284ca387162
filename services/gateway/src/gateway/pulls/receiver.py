"""Fetched instances on their way to the spool, where they wait as those do that are sent to us."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.dimse.heads import Failure, HeadRefusedError, read_head
from gateway.dimse.spool import Sender, Spool

_MIB: Final = 2**20


@dataclass
class Receiver:
    """Takes the instances of one study. Nothing is parsed but what the listener and STOW-RS look at.

    Attributes:
        spool: where they go.
        sender: on whose behalf.
        study_instance_uid: of the study; instances of others are refused.
        folder: private, on the spool's disk, for files that are being received.
        max_bytes: of the study.
        max_files: likewise.
        progress: told how many instances have come, whoever has got them.
        received: so many are kept.
    """

    spool: Spool
    sender: Sender
    study_instance_uid: str
    folder: Path
    max_bytes: int
    max_files: int
    progress: Callable[[int], None]
    received: int = 0
    _bytes: int = field(default=0, repr=False)

    def keep(self, file: Path) -> None:
        """Keep a received file.

        Raises:
            HeadRefusedError: it is no image, is of another study, or there is no room.
        """
        size = file.stat().st_size
        if self.received >= self.max_files or self._bytes + size > self.max_bytes:
            raise HeadRefusedError(Failure.OUT_OF_RESOURCES)
        self.spool.refuse_when_full()
        head = read_head(file)
        if head.study_instance_uid != self.study_instance_uid:
            raise HeadRefusedError(Failure.MISMATCH, head)
        self.spool.keep(file, head, self.sender)
        self._bytes += size
        self.received += 1
        self.progress(self.received)


@contextmanager
def private_folder(within: Path | None) -> Iterator[Path]:
    """A directory that is gone at the end, whatever happens: what lies in it names the patient."""
    with tempfile.TemporaryDirectory(prefix="ictus-pull-", dir=within) as folder:
        yield Path(folder)
