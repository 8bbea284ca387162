"""A bucket of an S3 server (MinIO, SeaweedFS, AWS) behind a small typed interface."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import HTTPError

from ictus.domain.errors import IctusError, NotFoundError, UnavailableError

_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NoSuchVersion", "ResourceNotFound"})
_PASSING = frozenset(
    {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown", "SlowDownRead"}
)
_CREATED_BY_ANOTHER = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
_COPY_BYTES = 1 << 20


class ObjectMissingError(NotFoundError):
    """No object lies under the key."""

    code: ClassVar[str] = "object_missing"
    title: ClassVar[str] = "The stored data is no longer there."


class StorageRefusedError(IctusError):
    """The object store refuses the request (credentials, bucket, policy): trying again does not help."""

    code: ClassVar[str] = "storage_refused"
    title: ClassVar[str] = "The data store refuses this request. An administrator must check its settings."


class ObjectStore:
    """One bucket, safe to share between threads; connections are pooled and kept alive.

    Every method raises ``UnavailableError`` when the server does not answer after short retries, and
    ``StorageRefusedError`` when it answers that this may not be done. Puts replace what is there and are
    atomic: a reader sees the old object or the new one, never a part.

    Args:
        endpoint: ``host:port`` of the S3 server.
        access_key: S3 access key.
        secret_key: S3 secret key.
        bucket: the bucket's name.
        secure: whether to speak TLS.
        region: S3 region; naming it saves asking the server for it.
        connections: connections kept open, at least the number of threads that use the store.
        connect_seconds: how long a connection may take to be made.
        read_seconds: how long the server may be silent.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool,
        *,
        region: str = "us-east-1",
        connections: int = 16,
        connect_seconds: float = 3.0,
        read_seconds: float = 30.0,
    ) -> None:
        self.bucket = bucket
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            retries=urllib3.Retry(total=2, backoff_factor=0.1, status_forcelist=[500, 502, 503, 504]),
            cert_reqs="CERT_REQUIRED",
        )
        self._client = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            region=region,
            http_client=self._pool,
        )

    def ensure_bucket(self) -> None:
        """Make the bucket when it is not there; harmless when several processes do so at once."""
        with _typed_errors():
            if self._client.bucket_exists(self.bucket):
                return
            try:
                self._client.make_bucket(self.bucket)
            except S3Error as error:
                if error.code not in _CREATED_BY_ANOTHER:
                    raise

    def ping(self) -> None:
        """Return when the server answers and the bucket is there."""
        with _typed_errors():
            if not self._client.bucket_exists(self.bucket):
                raise StorageRefusedError("The data store has no such bucket.")

    def put_bytes(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store ``data`` under ``key``."""
        with _typed_errors():
            self._client.put_object(self.bucket, key, io.BytesIO(data), len(data), content_type)

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        """Store a file's content under ``key``, in parts when it is large; never held whole in memory."""
        with _typed_errors():
            self._client.fput_object(self.bucket, key, str(path), content_type)

    def get_bytes(self, key: str) -> bytes:
        """The object's content. Raises ``ObjectMissingError``."""
        return self.get_range(key, 0, 0)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset`` (0: to the end). Raises ``ObjectMissingError``."""
        with _typed_errors():
            response = self._client.get_object(self.bucket, key, offset, length)
            try:
                return response.read()
            finally:
                response.release_conn()

    def get_to_file(self, key: str, path: Path) -> None:
        """Stream the object into ``path``, which appears only when whole. Raises ``ObjectMissingError``."""
        part = path.with_name(f"{path.name}.part")
        try:
            with _typed_errors():
                response = self._client.get_object(self.bucket, key)
                try:
                    with part.open("wb") as file:
                        for chunk in response.stream(_COPY_BYTES):
                            file.write(chunk)
                finally:
                    response.release_conn()
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        """Whether an object lies under ``key``."""
        try:
            with _typed_errors():
                self._client.stat_object(self.bucket, key)
        except ObjectMissingError:
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below ``prefix``, in order, listed page by page."""
        with _typed_errors():
            for entry in self._client.list_objects(self.bucket, prefix=prefix, recursive=True):
                if entry.object_name:
                    yield entry.object_name

    def delete_prefix(self, prefix: str) -> int:
        """Delete everything below ``prefix``, which ends with ``/``; how many objects that were."""
        if not prefix.endswith("/"):
            raise ValueError("a prefix to delete ends with '/'")
        found = list(self.keys(prefix))
        with _typed_errors():
            failed = list(self._client.remove_objects(self.bucket, (DeleteObject(key) for key in found)))
        if failed:
            raise UnavailableError(f"{len(failed)} of {len(found)} stored objects could not be deleted.")
        return len(found)

    def close(self) -> None:
        """Close the kept connections; the store may be used again and opens new ones."""
        self._pool.clear()


@contextlib.contextmanager
def _typed_errors() -> Iterator[None]:
    """Turn the client's errors into ours. Keys and addresses stay out of the text that people read."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise ObjectMissingError from error
        if error.code in _PASSING:
            raise UnavailableError("The data store is not answering.", retry_after=5) from error
        raise StorageRefusedError from error
    except (HTTPError, ServerError, InvalidResponseError) as error:
        raise UnavailableError("The data store is not answering.", retry_after=5) from error
