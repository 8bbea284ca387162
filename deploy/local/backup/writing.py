"""Making a backup of a stack that runs, while it goes on working."""

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from minio import Minio
from minio.error import S3Error

from local.backup.contents import (
    CONTENT_TYPE,
    DATABASES,
    FILES,
    MANIFEST,
    OBJECTS,
    Hashed,
    Manifest,
    Part,
    Readable,
    Rows,
)
from local.backup.place import Installation
from local.backup.sealed import sealed_for_writing
from local.backup.tables import Cluster
from local.database import SERVICES_DATABASE
from local.secret_files import MLFLOW_BUCKET, S3_BUCKET

ALL_DATABASES: Final = (SERVICES_DATABASE, "mlflow")
BUCKETS: Final = (S3_BUCKET, MLFLOW_BUCKET)
KEPT_FILES: Final = (
    "secrets/installation.json",
    "secrets/model-signing.pem",
    "secrets/model-signing.pub",
    "sample.json",
    "work/ictus-incoming/**/*",
)
"""Of the data folder: what cannot be made again, and what was received and not yet taken in."""


class _Archive:
    """The tar that grows, and what is in it."""

    def __init__(self, tar: tarfile.TarFile, now: datetime) -> None:
        self._tar = tar
        self._time = int(now.timestamp())
        self.parts: dict[str, Part] = {}

    def add(self, name: str, source: Readable, size: int, content_type: str | None = None) -> None:
        info = tarfile.TarInfo(name)
        if content_type is not None:
            info.pax_headers = {CONTENT_TYPE: content_type}
        info.size, info.mtime, info.mode = size, self._time, 0o600
        hashed = Hashed(source)
        self._tar.addfile(info, hashed)
        self.parts[name] = hashed.part

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, file, path.stat().st_size)


def back_up(
    installation: Installation,
    recipient: str,
    output: Path,
    clock: Callable[[], datetime],
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write one encrypted file.

    The databases come before the objects: an object is written before the row that names it, so every object that a
    dumped row names is there, unless it was erased meanwhile. Objects that no dumped row names do no harm.

    Args:
        installation: may be at work.
        recipient: the public half of the key that opens it, ``age1…``.
        output: the file; it appears when it is complete.
        clock: gives the present, UTC.
        progress: told what is done next.

    Raises:
        BackupError: the recipient is none, the disk is full, or PostgreSQL cannot be dumped.
    """
    with sealed_for_writing(output, recipient) as tar:
        now = clock()
        archive = _Archive(tar, now)
        progress("secrets and keys")
        for path in _kept(installation.data):
            archive.add_file(f"{FILES}/{path.relative_to(installation.data)}", path)
        tables = _add_databases(archive, installation.cluster, progress)
        for bucket in BUCKETS:
            progress(f"objects of {bucket}")
            _add_objects(archive, installation.objects, bucket)
        manifest = Manifest(created_at=now, tables=tables, parts=archive.parts)
        content = manifest.model_dump_json(indent=1).encode()
        archive.add(MANIFEST, io.BytesIO(content), len(content))
    return manifest


def _kept(data: Path) -> Iterator[Path]:
    for pattern in KEPT_FILES:
        yield from (path for path in sorted(data.glob(pattern)) if path.is_file())


def _add_databases(
    archive: _Archive, cluster: Cluster, progress: Callable[[str], None]
) -> dict[str, dict[str, Rows]]:
    tables = {}
    with tempfile.TemporaryDirectory(prefix="ictus-backup-") as folder:
        for database in ALL_DATABASES:
            progress(f"database {database}")
            dump = Path(folder) / f"{database}.dump"
            tables[database] = cluster.dump(database, dump)
            archive.add_file(f"{DATABASES}/{dump.name}", dump)
            dump.unlink()
    return tables


def _add_objects(archive: _Archive, objects: Minio, bucket: str) -> None:
    for found in objects.list_objects(bucket_name=bucket, recursive=True):
        if found.object_name is None or found.size is None or found.is_dir:
            continue
        try:
            answer = objects.get_object(bucket_name=bucket, object_name=found.object_name)
        except S3Error as error:
            if error.code == "NoSuchKey":
                continue  # erased since it was listed
            raise
        try:
            name = f"{OBJECTS}/{bucket}/{found.object_name}"
            archive.add(name, answer, found.size, answer.headers.get("Content-Type"))
        finally:
            answer.close()
            answer.release_conn()
