"""Where an analysis puts its pictures and embeddings."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Final, Protocol, Self

from ictus.storage import ObjectStore

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
SAFETENSORS: Final = "application/octet-stream"


class Results(Protocol):
    """What an analysis writes beside its answer.

    Attributes:
        prefix: of every key; empty or ends with ``/``.
    """

    prefix: str

    def put(self, key: str, content_type: str, make: Callable[[], bytes]) -> None:
        """Make an object and keep it under ``key``, now or later."""

    def finish(self) -> None:
        """Return when everything is kept. Raises what a ``put`` met."""


class StoredResults:
    """Makes objects and sends them to the object store in a few threads, beside the forward pass.

    Leaving the context waits for what is under way; after an error what has not begun is dropped.

    Args:
        store: the object store.
        prefix: the attempt's key prefix.
        threads: objects under way at one time.
    """

    def __init__(self, store: ObjectStore, prefix: str, threads: int) -> None:
        self.prefix = prefix
        self._store = store
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="results")
        self._pending: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)

    def put(self, key: str, content_type: str, make: Callable[[], bytes]) -> None:
        """Have a thread make and store the object."""
        self._pending.append(self._pool.submit(self._store_made, key, content_type, make))

    def finish(self) -> None:
        """Wait until everything is stored.

        Raises:
            UnavailableError: the store does not answer.
            StorageRefusedError: the store refuses.
        """
        done, _ = wait(self._pending, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        self._pending.clear()

    def _store_made(self, key: str, content_type: str, make: Callable[[], bytes]) -> None:
        self._store.put_bytes(key, make(), content_type)


class KeptResults:
    """Keeps objects in memory, for a report made on the spot."""

    def __init__(self) -> None:
        self.prefix = ""
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, content_type: str, make: Callable[[], bytes]) -> None:  # noqa: ARG002
        """Make the object now."""
        self.objects[key] = make()

    def finish(self) -> None:
        """Nothing is under way."""
