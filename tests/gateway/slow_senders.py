"""Clients that hardly send, and a clock that does not make a test wait for them."""

import asyncio
import socket
from collections.abc import Iterator

KIB = 1024


def received(sender: socket.socket, trickle: bytes) -> Iterator[bytes]:
    """What the server sends until it closes the connection; ``trickle`` is sent for as long as it is silent."""
    sender.settimeout(0.05)
    while True:
        try:
            if not (chunk := sender.recv(64 * KIB)):
                return
            yield chunk
        except TimeoutError:
            sender.sendall(trickle)
        except ConnectionError:
            return


class ImpatientLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test can move forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead
