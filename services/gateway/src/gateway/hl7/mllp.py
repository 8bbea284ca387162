"""MLLP (HL7 v2 Transport: Minimal Lower Layer Protocol, release 1): one message out, one back, within a time-out."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.deliveries.errors import RefusedForNowError, UnreachableError

START: Final = b"\x0b"
END: Final = b"\x1c\x0d"
_LONGEST_ANSWER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class MllpAddress:
    """Where a receiver listens."""

    host: str
    port: int
    tls: bool


class MllpClient:
    """Sends messages to one receiver, over a connection of its own each.

    Args:
        address: the receiver.
        seconds: how long it may take to connect, and to answer.
        monotonic: seconds that never go back.
    """

    def __init__(
        self, address: MllpAddress, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._seconds = seconds
        self._monotonic = monotonic

    def exchange(self, message: bytes) -> bytes:
        """Send a message; the answer without its frame.

        Raises:
            UnreachableError: no connection, or no whole answer in time.
            RefusedForNowError: the answer has no frame, or no end.
        """
        try:
            with self._connect() as connection:
                connection.sendall(START + message + END)
                return self._answer(connection)
        except OSError as error:
            raise UnreachableError("The HL7 receiver does not answer.") from error

    def connect(self) -> None:
        """Connect and hang up. Raises ``UnreachableError``."""
        try:
            self._connect().close()
        except OSError as error:
            raise UnreachableError("The HL7 receiver does not answer.") from error

    def _connect(self) -> socket.socket:
        address = self._address
        plain = socket.create_connection((address.host, address.port), timeout=self._seconds)
        if not address.tls:
            return plain
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise

    def _answer(self, connection: socket.socket) -> bytes:
        """Read up to the end of the frame. The time-out is for the whole answer, not for each of its bytes."""
        until = self._monotonic() + self._seconds
        received = b""
        while not received.endswith(END):
            connection.settimeout(max(0.001, until - self._monotonic()))
            part = connection.recv(4096)
            if not part:
                raise UnreachableError("The HL7 receiver hung up before it had acknowledged the message.")
            received += part
            if len(received) > _LONGEST_ANSWER:
                raise RefusedForNowError("The HL7 receiver's answer has no end.")
        if not received.startswith(START):
            raise RefusedForNowError("The HL7 receiver's answer is no MLLP message.")
        return received[len(START) : -len(END)]
