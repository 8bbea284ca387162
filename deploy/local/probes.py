"""How to tell that a server or a service is ready to be used."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from local.database import accepts_connections, admin_dsn
from local.ports import LOOPBACK

if TYPE_CHECKING:
    from local.stack import LocalStack

_PULSE_IS_FRESH_S: Final = 15


def is_ready(name: str, stack: "LocalStack") -> bool:
    """Tell whether the running process `name` can be used. A worker without a probe can once it runs."""
    probe = _PROBES.get(name)
    return probe is None or probe(stack)


def _redis_answers(stack: "LocalStack") -> bool:
    """Tell whether Redis lets us in and has finished loading its append-only file."""
    try:
        with socket.create_connection((LOOPBACK, stack.ports["redis"]), timeout=2) as connection:
            connection.sendall(f"AUTH {stack.credentials.redis_password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
    except OSError:
        return False


def _postgres_answers(stack: "LocalStack") -> bool:
    return accepts_connections(admin_dsn(stack.ports["postgres"], stack.credentials.postgres_password))


def _http_answers(listener: str, path: str) -> Callable[["LocalStack"], bool]:
    def probe(stack: "LocalStack") -> bool:
        try:
            with urllib.request.urlopen(stack.url(listener) + path, timeout=2) as response:  # noqa: S310 (ours)
                return bool(response.status < 400)
        except (urllib.error.URLError, OSError):
            return False

    return probe


def _dimse_listens(stack: "LocalStack") -> bool:
    try:
        with socket.create_connection((LOOPBACK, stack.ports["dimse"]), timeout=2):
            return True
    except OSError:
        return False


def _inference_beats(stack: "LocalStack") -> bool:
    """Tell whether the worker has a model and takes work: then it touches its pulse file every few seconds."""
    pulse = stack.data / "run" / "inference.pulse"
    return pulse.exists() and time.time() - pulse.stat().st_mtime < _PULSE_IS_FRESH_S


_PROBES: Final[Mapping[str, Callable[["LocalStack"], bool]]] = {
    "postgres": _postgres_answers,
    "redis": _redis_answers,
    "s3": _http_answers("s3", "/healthz"),
    "mlflow": _http_answers("mlflow", "/health"),
    "gateway": _http_answers("gateway", "/health/ready"),
    "dimse": _dimse_listens,
    "feedback": _http_answers("feedback", "/health/ready"),
    "inference": _inference_beats,
}
