"""What is promised of the edge, asked of it over TLS as a browser and as a stranger would."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trustme
from tests.containers.compose import Compose

from local.ports import LOOPBACK

_CERTIFICATE: Final = "fullchain.pem"
_KEY: Final = "privkey.pem"

_WITHHELD: Final = (
    "/metrics",
    "//metrics",
    "/metrics/",
    "/%6detrics",
    "/x/../metrics",
    "/internal/v1/jobs/claim",
)
_INVENTED: Final = "203.0.113.9"  # an address of RFC 5737's, which no machine has
_ANSWER_SECONDS: Final = 30.0
"""How long an answer may take that needs no more of an upload; nginx itself gives up after 60."""

_ADDRESSES: Final = """
import psycopg2
from pathlib import Path
url = Path("/run/secrets/ictus_database_url").read_text().strip().replace("+psycopg2", "")
with psycopg2.connect(url) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT DISTINCT host(address) FROM gateway.audit_events WHERE address IS NOT NULL")
    print(*(address for address, in cursor.fetchall()))
"""


def write_certificate(folder: Path) -> None:
    """Make a certificate for the loopback address, and its key, where the edge looks for them."""
    folder.mkdir(mode=0o755)
    issued = trustme.CA().issue_cert(LOOPBACK)
    issued.cert_chain_pems[0].write_to_path(str(folder / _CERTIFICATE))
    issued.private_key_pem.write_to_path(str(folder / _KEY))
    (folder / _KEY).chmod(0o644)  # nginx has a user id of its own; the folder above lets only its owner in


def broken_promises(compose: Compose, port: int, certificates: Path) -> Iterator[str]:
    """Say what the edge does that it should not."""
    trust = ssl.create_default_context(cafile=str(certificates / _CERTIFICATE))
    status, headers = _get(trust, port, "/health/ready")
    if status != 200:
        yield f"the edge answers {status} when asked whether all is well"
    if "max-age" not in headers.get("Strict-Transport-Security", ""):
        yield "the edge does not have browsers insist on https"
    for path in _WITHHELD:
        status, _ = _get(trust, port, path)
        if status != 404:
            yield f"the edge passes {path}: {status}"
    if not _answers_before_the_upload_has_ended(trust, port):
        yield "the edge keeps an upload back until it has all of it"
    _get(trust, port, "/api/v1/studies", {"X-Forwarded-For": _INVENTED})
    seen = compose.inside("gateway", "python", "-c", _ADDRESSES).split()
    name = compose.container("edge").identifier[:12]
    hosts = compose.inside("edge", "cat", "/etc/hosts").splitlines()
    own = {line.split()[0] for line in hosts if name in line}
    if not seen or _INVENTED in seen:
        yield f"the audit trail has {seen}, which the caller may have invented"
    if own.intersection(seen):
        yield "the audit trail has the edge's address for the caller's"


def _get(
    trust: ssl.SSLContext, port: int, path: str, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage]:
    connection = http.client.HTTPSConnection(LOOPBACK, port, context=trust, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def _answers_before_the_upload_has_ended(trust: ssl.SSLContext, port: int) -> bool:
    """Begin an upload as nobody and send no more of it: a gateway that sees its beginning refuses it at once."""
    head = (
        f"POST /api/v1/studies HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Length: 100000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    with (
        socket.create_connection((LOOPBACK, port), timeout=_ANSWER_SECONDS) as plain,
        trust.wrap_socket(plain, server_hostname=LOOPBACK) as tls,
    ):
        tls.sendall(head.encode())
        try:
            return tls.recv(12) in {b"HTTP/1.1 401", b"HTTP/1.1 403"}
        except TimeoutError:
            return False
