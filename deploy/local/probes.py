"""How to tell that a server or a service is ready to be used."""

import socket
import urllib.error
import urllib.request

from local.ports import LOOPBACK


def redis_answers(port: int, password: str) -> bool:
    """Tell whether Redis lets us in and has finished loading its append-only file."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
    except OSError:
        return False


def http_answers(url: str) -> bool:
    """Tell whether a GET of `url` succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - a loopback address of ours
            return bool(response.status < 400)
    except (urllib.error.URLError, OSError):
        return False
