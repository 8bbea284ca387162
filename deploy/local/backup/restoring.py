"""Bringing an installation back in an empty folder, and proving that it is the one that was backed up."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from minio import Minio

from local.backup.contents import CONTENT_TYPE, DATABASES, FILES, MANIFEST, OBJECTS, Hashed, Manifest, Part
from local.backup.place import Installation
from local.backup.sealed import BackupError, sealed_for_reading
from local.backup.tables import Cluster
from local.backup.writing import ALL_DATABASES, BUCKETS
from local.database import empty_database
from local.stack import LocalStack


def restore(
    backup: Path, identity: str, data: Path, progress: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Bring back what a backup holds; ``make run DATA=…`` starts it then.

    Every part is held against the manifest, every table and every object read again from where it now lies.

    Args:
        backup: the file.
        identity: the key that opens it, ``AGE-SECRET-KEY-1…``.
        data: an empty folder, or none yet.
        progress: told what is done next.

    Raises:
        BackupError: the key does not open it, the file was changed or cut off, ``data`` is not empty, or what was
            brought back is not what the manifest says; nothing is left in ``data`` then.
    """
    if data.exists() and any(data.iterdir()):
        raise BackupError(f"{data} is not empty: a backup is restored into a folder of its own.")
    try:
        with sealed_for_reading(backup, identity) as tar:
            return _Restoring(tar, data, progress).all()
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise


class _Restoring:
    """Reads the archive once, in its order."""

    def __init__(self, tar: tarfile.TarFile, data: Path, progress: Callable[[str], None]) -> None:
        self._members = iter(tar)
        self._tar = tar
        self._data = data
        self._progress = progress
        self._parts: dict[str, Part] = {}
        self._next = next(self._members, None)

    def all(self) -> Manifest:
        self._progress("secrets and keys")
        for member, source in self._entries(FILES):
            self._write(source, self._data / _inside(member.name))
        with LocalStack(self._data, processes=()) as stack:
            stack.start(["databases", "buckets"])
            place = Installation.at(self._data, stack.ports, stack.credentials)
            self._databases(stack, place.cluster)
            self._progress("objects")
            for member, source in self._entries(OBJECTS):
                _put(place.objects, member, source)
            manifest = self._manifest()
            self._progress("comparing")
            _compare(manifest, self._parts, place)
        return manifest

    def _databases(self, stack: LocalStack, cluster: Cluster) -> None:
        with tempfile.TemporaryDirectory(prefix="ictus-restore-") as folder:
            for member, source in self._entries(DATABASES):
                database = _inside(member.name).stem
                if database not in ALL_DATABASES:
                    raise BackupError(f"The backup has a database {database}, which Ictus has not.")
                self._progress(f"database {database}")
                dump = Path(folder) / "dump"
                self._write(source, dump)
                empty_database(cluster.port, cluster.password, database)
                cluster.fill(database, dump)
        stack.start(["databases"])  # what belongs to the whole database is not in its dump

    def _entries(self, folder: str) -> Iterator[tuple[tarfile.TarInfo, Hashed]]:
        """The next members, as long as they are in ``folder``."""
        while (member := self._next) is not None and PurePosixPath(member.name).parts[0] == folder:
            content = self._tar.extractfile(member)
            if content is None:
                raise BackupError(f"The backup holds {member.name}, which is no file.")
            hashed = Hashed(content)
            yield member, hashed
            self._parts[member.name] = hashed.read_all()
            self._next = next(self._members, None)

    def _manifest(self) -> Manifest:
        for _, source in self._entries(MANIFEST):
            return Manifest.model_validate_json(source.read())
        raise BackupError("The backup has no manifest: it was not completed.")

    @staticmethod
    def _write(source: Hashed, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with path.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)


def _inside(name: str) -> PurePosixPath:
    """A member's path below its folder. Raises ``BackupError`` for one that leads out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise BackupError(f"The backup holds a path that it should not: {name}.")
    return path.relative_to(path.parts[0])


def _bucket_and_key(name: str) -> tuple[str, str]:
    bucket, _, key = str(_inside(name)).partition("/")
    if bucket not in BUCKETS:
        raise BackupError(f"The backup has objects of a bucket {bucket}, which Ictus has not.")
    return bucket, key


def _put(objects: Minio, member: tarfile.TarInfo, source: Hashed) -> None:
    bucket, key = _bucket_and_key(member.name)
    objects.put_object(
        bucket_name=bucket,
        object_name=key,
        data=cast("BinaryIO", source),
        length=member.size,
        content_type=member.pax_headers.get(CONTENT_TYPE, "application/octet-stream"),
    )


def _compare(manifest: Manifest, read: dict[str, Part], place: Installation) -> None:
    """Raise ``BackupError`` unless archive, tables and objects are what the manifest says."""
    if {name: part for name, part in read.items() if name != MANIFEST} != manifest.parts:
        raise BackupError("The backup does not hold what its manifest says.")
    for database, tables in manifest.tables.items():
        there = place.cluster.rows(database)
        wrong = sorted(name for name in there.keys() | tables if there.get(name) != tables.get(name))
        if wrong:
            raise BackupError(f"Not restored as it was: {database}'s {', '.join(wrong[:5])}.")
    for name, part in manifest.parts.items():
        if PurePosixPath(name).parts[0] == OBJECTS:
            bucket, key = _bucket_and_key(name)
            if _stored(place.objects, bucket, key) != part:
                raise BackupError(f"Not restored as it was: the object {key} of {bucket}.")


def _stored(objects: Minio, bucket: str, key: str) -> Part:
    answer = objects.get_object(bucket_name=bucket, object_name=key)
    try:
        return Hashed(answer).read_all()
    finally:
        answer.close()
        answer.release_conn()
