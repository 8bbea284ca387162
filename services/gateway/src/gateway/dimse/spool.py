"""The spool: received instances until their study is complete, on disk before the sender is told that we have them.

One folder for each received study, below ``ictus-incoming`` in the work directory, readable to this program's user
only: the files name the patient. The row in ``incoming_studies`` is written in the transaction in which the file is
moved into the folder, so that whoever finds a study complete finds all of it.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.dimse.heads import Failure, Head, HeadRefusedError
from gateway.dimse.models import IncomingState, IncomingStudy
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from ictus.domain.ids import new_id
from ictus.imaging.uids import replacement_uid

FOLDER: Final = "ictus-incoming"
WAITING: Final = (IncomingState.RECEIVING, IncomingState.ACCEPTING, IncomingState.QUARANTINED)
"""States in which the files are there."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and the site that gets it."""

    kind: ActorKind
    id: UUID
    site_id: UUID


@dataclass(frozen=True, slots=True)
class Closed:
    """A received study of which nothing more is waited for."""

    incoming_id: UUID
    instances: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The UIDs under which a kept instance will be found."""

    study_uid: str
    series_uid: str
    sop_uid: str


class Spool:
    """Takes instances in. Safe to share between threads and processes that see the same work directory."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._settings = resources.settings
        self._uid_key = resources.settings.uid_key.get_secret_value().encode()
        self.root = spool_root(resources.settings)

    def refuse_when_full(self) -> None:
        """Make sure that there is room.

        Raises:
            HeadRefusedError: with ``OUT_OF_RESOURCES``.
        """
        settings = self._settings
        if shutil.disk_usage(self.root).free < settings.dimse_reserve_mb * 2**20:
            raise HeadRefusedError(Failure.OUT_OF_RESOURCES)
        with self._resources.sessions() as session:
            if _waiting_bytes(session) >= settings.dimse_spool_mb * 2**20:
                raise HeadRefusedError(Failure.OUT_OF_RESOURCES)

    def keep(self, file: Path, head: Head, sender: Sender) -> Kept:
        """Move a file, which lies on the same disk, into its study's folder. When this returns, a crash loses nothing.

        An instance that is there already is replaced: the last one sent counts.
        """
        kept = Kept(
            *(
                replacement_uid(self._uid_key, uid)
                for uid in (head.study_instance_uid, head.series_instance_uid, head.sop_instance_uid)
            )
        )
        with file.open("rb") as written:
            os.fsync(written.fileno())
            size = os.fstat(written.fileno()).st_size
        with self._resources.sessions.begin() as session:
            folder = self.root / str(self._opened(session, kept.study_uid, sender, size))
            folder.mkdir(mode=0o700, exist_ok=True)
            file.replace(folder / f"{kept.sop_uid}.dcm")
            for directory in (folder, self.root):
                _sync(directory)
        return kept

    def close(self, session: Session, site_id: UUID, study_instance_uid: str) -> Closed | None:
        """Have a study that is being received read at once, in the session's transaction; None when there is none."""
        incoming = session.scalar(
            select(IncomingStudy)
            .where(
                IncomingStudy.site_id == site_id,
                IncomingStudy.study_uid == replacement_uid(self._uid_key, study_instance_uid),
                IncomingStudy.state == IncomingState.RECEIVING,
            )
            .with_for_update()
        )
        if incoming is None:
            return None
        incoming.state, incoming.next_try_at = IncomingState.ACCEPTING, self._resources.clock()
        return Closed(incoming.id, sum(1 for _ in self.folder(incoming.id).glob("*.dcm")))

    def folder(self, incoming_id: UUID) -> Path:
        """Where the instances of a received study lie."""
        return self.root / str(incoming_id)

    def _opened(self, session: Session, study_uid: str, sender: Sender, size: int) -> UUID:
        """The row of the study that is being received, locked: nobody finds it complete before this has ended."""
        now = self._resources.clock()
        fresh = insert(IncomingStudy).values(
            id=new_id(),
            site_id=sender.site_id,
            study_uid=study_uid,
            sender_kind=sender.kind,
            sender_id=sender.id,
            state=IncomingState.RECEIVING,
            objects=1,
            bytes=size,
            first_received_at=now,
            last_received_at=now,
            tries=0,
        )
        upsert = fresh.on_conflict_do_update(
            index_elements=[IncomingStudy.site_id, IncomingStudy.study_uid],
            index_where=IncomingStudy.state == IncomingState.RECEIVING,
            set_={
                "last_received_at": now,
                "objects": IncomingStudy.objects + 1,
                "bytes": IncomingStudy.bytes + size,
            },
        ).returning(IncomingStudy.id)
        return session.execute(upsert).scalar_one()


def spool_root(settings: GatewaySettings) -> Path:
    """The spool's folder, made if need be; on the disk that uploads are received on."""
    root = (settings.work_dir or Path(tempfile.gettempdir())) / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _waiting_bytes(session: Session) -> int:
    query = select(func.coalesce(func.sum(IncomingStudy.bytes), 0))
    return int(session.execute(query.where(IncomingStudy.state.in_(WAITING))).scalar_one())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
