"""The holder's side of a claim: work that is ours while heartbeats are answered, and told of under its fence.

The worker's jobs and the trainer's trainings are both held so (``ictus.contracts.jobs``, ``ictus.contracts.trainings``).
"""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Final, Self, TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel

from ictus.domain.errors import ConflictError, IctusError, UnavailableError
from ictus.http.client import RemoteError, ServiceClient

_log = structlog.get_logger(__name__)

_SOONEST: Final = 0.25
"""Seconds between two heartbeats at least, however fast the work goes on: short work needs none."""

Message = TypeVar("Message", bound=BaseModel)


class FenceLostError(ConflictError):
    """Another worker holds this work by now; what this one made of it must not be told."""

    code: ClassVar[str] = "fence_lost"
    title: ClassVar[str] = "Another worker has taken this work over."


class Claims:
    """Extends and ends claims at the gateway.

    Both methods raise ``UnavailableError`` when the gateway does not answer, and ``FenceLostError`` when the work is
    no longer this worker's.

    Args:
        gateway: client of the gateway, with this worker's token.
        path: of the claimed things.
    """

    def __init__(self, gateway: ServiceClient, path: str) -> None:
        self._gateway = gateway
        self._path = path

    def beat(self, claimed: UUID, body: BaseModel, answer: type[Message]) -> Message:
        """Extend the lease: what the gateway says to that."""
        try:
            said = self._gateway.call("POST", f"{self._path}/{claimed}/heartbeat", answer, body=body)
        except RemoteError as error:
            raise _of_this_protocol(error) from error
        if said is None:
            raise UnavailableError
        return said

    def end(self, claimed: UUID, verb: str, body: BaseModel) -> None:
        """Complete it or give it up; harmless to repeat."""
        try:
            self._gateway.tell("POST", f"{self._path}/{claimed}/{verb}", body=body)
        except RemoteError as error:
            raise _of_this_protocol(error) from error


def _of_this_protocol(error: RemoteError) -> IctusError:
    return FenceLostError() if error.remote_code == FenceLostError.code else error


class HeldLease(ABC):
    """Keeps claimed work ours while it goes on, from a thread of its own.

    A heartbeat that is not answered is no reason to stop: the lease may outlast the outage, and a fence decides in
    the end. One that is refused is.

    Args:
        heartbeat_seconds: between two heartbeats when nothing is new.
    """

    def __init__(self, heartbeat_seconds: float) -> None:
        self._every = heartbeat_seconds
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._lost: IctusError | None = None
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._changed.set()
        self._thread.join()

    @abstractmethod
    def _beat(self) -> IctusError | None:
        """One heartbeat: why the work is to stop, if it is.

        Raises:
            FenceLostError: the work is another's by now.
            IctusError: no answer.
        """

    @property
    @abstractmethod
    def _named(self) -> dict[str, str]:
        """How the log names the work."""

    def _go_on(self, *, tell_soon: bool) -> None:
        """Have the gateway told soon, or with the next heartbeat.

        Raises:
            IctusError: the work is to stop.
        """
        if tell_soon:
            self._changed.set()
        if self._lost is not None:
            raise self._lost

    def _keep(self) -> None:
        while not self._ended.wait(_SOONEST):
            self._changed.wait(max(0.0, self._every - _SOONEST))
            self._changed.clear()
            if self._ended.is_set():
                return
            try:
                self._lost = self._beat()
            except FenceLostError as error:
                self._lost = error
            except IctusError as error:
                _log.warning("heartbeat_not_answered", **self._named, code=error.code)
            if self._lost is not None:
                return
