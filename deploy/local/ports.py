"""Which loopback ports the stack listens on: kept between runs, free ones chosen once.

A stack chooses all its ports before its first server starts, and some servers start minutes later. Until then the
port looks free to every other stack, so a choice is a claim: a lock that the kernel drops when the claimer ends.
"""

import fcntl
import json
import os
import random
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local.errors import StackError

LOOPBACK: Final = "127.0.0.1"

LISTENERS: Final = (
    "gateway",
    "dimse",
    "feedback",
    "mlflow",
    "postgres",
    "redis",
    "s3",
    "s3_grpc",
    "s3_master",
    "s3_master_grpc",
    "s3_volume",
    "s3_volume_grpc",
    "s3_filer",
    "s3_filer_grpc",
)
"""Every listening socket of the stack; the ``s3_*`` ones are SeaweedFS's own inner servers."""

_USUAL_GATEWAY_PORT: Final = 8000

# Below the kernel's range for outgoing connections, so that no client socket takes a port between the choice
# and the server's bind.
_CHOICES: Final = range(10_000, 32_000)
_TRIES: Final = 200


def is_free(port: int) -> bool:
    """Tell whether a server could bind `port` on the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


class PortClaims:
    """Ports that no other stack of this person on this machine chooses, until they are released or we end.

    Args:
        choices: Ports to choose from.
        locks: Folder of the lock files that all stacks share; made if need be.
    """

    def __init__(self, choices: range = _CHOICES, locks: Path | None = None) -> None:
        self._choices = choices
        self._locks = locks or Path(tempfile.gettempdir()) / f"ictus-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def claim(self, port: int) -> bool:
        """Take a port; False when another claimed it, or a server listens on it."""
        if port in self._held:
            return False
        self._locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._locks / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._held[port] = lock
        if not is_free(port):
            self._let_go(port)
            return False
        return True

    def choose(self) -> int:
        """Claim any port.

        Raises:
            StackError: None is left.
        """
        for port in random.sample(self._choices, k=min(_TRIES, len(self._choices))):
            if self.claim(port):
                return port
        msg = f"No free port between {self._choices[0]} and {self._choices[-1]} on {LOOPBACK}."
        raise StackError(msg)

    def release(self) -> None:
        """Let others have the ports."""
        for port in list(self._held):
            self._let_go(port)

    def _let_go(self, port: int) -> None:
        # The file stays: whoever removed it could take it from one who has opened and not yet locked it.
        os.close(self._held.pop(port))


def kept_ports(kept: Path) -> dict[str, int]:
    """Read the ports that the last run chose; none before the first."""
    ports: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
    return ports


def choose_ports(kept: Path, configured: Mapping[str, int], claims: PortClaims) -> dict[str, int]:
    """Give every listener a port: the configured one, else the one of the last run, else a free one.

    Args:
        kept: JSON file that remembers the choice, so that addresses stay the same from run to run.
        configured: Ports that a person asked for, by listener name.
        claims: Takes the ports, and keeps them as long as the stack runs.

    Raises:
        StackError: A configured port, or the gateway's kept one, belongs to another program.
    """
    earlier = kept_ports(kept)
    ports: dict[str, int] = {}
    for name in LISTENERS:
        asked = configured.get(name, earlier.get(name) if name == "gateway" else None)
        wish = asked or earlier.get(name)
        if wish is not None and claims.claim(wish):
            ports[name] = wish
        elif asked is None:
            ports[name] = claims.choose()
        else:
            claims.release()
            msg = f"Port {asked} ({name}) is taken by another program: stop it, or choose another with PORT=."
            raise StackError(msg)
    kept.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def gateway_port(kept: Path, asked: int | None) -> dict[str, int]:
    """Say which port a person's own stack wishes for: the one asked for; the first time 8000, if it is free."""
    if asked is not None:
        return {"gateway": asked}
    return {} if kept.exists() or not is_free(_USUAL_GATEWAY_PORT) else {"gateway": _USUAL_GATEWAY_PORT}
