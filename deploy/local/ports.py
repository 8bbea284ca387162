"""Which loopback ports the stack listens on: kept between runs, free ones chosen once."""

import json
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from local.errors import StackError

LOOPBACK: Final = "127.0.0.1"

LISTENERS: Final = (
    "gateway",
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


def is_free(port: int) -> bool:
    """Tell whether a server could bind `port` on the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(
    kept: Path, configured: Mapping[str, int], listening: Iterable[str] = LISTENERS
) -> dict[str, int]:
    """Give every listener a port: the configured one, else the one of the last run, else a free one.

    Args:
        kept: JSON file that remembers the choice, so that addresses stay the same from run to run.
        configured: Ports that a person asked for, by listener name.
        listening: The listeners that are about to start; only their ports need to be free.

    Raises:
        StackError: A configured port, or the gateway's kept one, belongs to another program.
    """
    earlier: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
    needed = set(listening)
    ports: dict[str, int] = {}
    for name in LISTENERS:
        asked = configured.get(name, earlier.get(name) if name == "gateway" else None)
        if asked is not None and name in needed and not is_free(asked):
            msg = f"Port {asked} ({name}) is taken by another program: stop it, or choose another with PORT=."
            raise StackError(msg)
        wish = asked or earlier.get(name)
        usable = wish is not None and wish not in ports.values() and (name not in needed or is_free(wish))
        ports[name] = wish if wish is not None and usable else _free_port(taken=set(ports.values()))
    kept.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def gateway_port(kept: Path, asked: int | None) -> dict[str, int]:
    """Say which port a person's own stack wishes for: the one asked for; the first time 8000, if it is free."""
    if asked is not None:
        return {"gateway": asked}
    return {} if kept.exists() or not is_free(_USUAL_GATEWAY_PORT) else {"gateway": _USUAL_GATEWAY_PORT}


def _free_port(taken: set[int]) -> int:
    for port in random.sample(_CHOICES, k=200):
        if port not in taken and is_free(port):
            return port
    msg = "No free port between 10000 and 32000 on 127.0.0.1."
    raise StackError(msg)
