"""Other systems that results are delivered to, for real, in the test's own process: an archive, an HL7 receiver, a server."""

import json
import re
import socket
import socketserver
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pydicom
from hl7apy.core import Message
from hl7apy.parser import parse_message
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port of the loopback address on which nobody listens now."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Archive:
    """A C-STORE and C-ECHO SCP. ``answers`` are the statuses of the next objects, then 0000; with ``tls`` it speaks that."""

    sop_classes: tuple[str, ...]
    port: int = 0
    answers: list[int] = field(default_factory=list)
    objects: dict[str, Dataset] = field(default_factory=dict)
    stored: Counter[str] = field(default_factory=Counter)
    associations: int = 0
    tls: ssl.SSLContext | None = None
    _server: Any = None

    def start(self) -> None:
        """Listen, at the same port as before if there was one."""
        entity = AE(ae_title="PACS")
        for sop_class in (*self.sop_classes, Verification):
            entity.add_supported_context(sop_class)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_ACCEPTED, self._count)]
        self._server = entity.start_server(
            (LOOPBACK, self.port), block=False, evt_handlers=handlers, ssl_context=self.tls
        )
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _count(self, event: Any) -> None:
        self.associations += 1

    def _store(self, event: Any) -> int:
        status = self.answers.pop(0) if self.answers else 0x0000
        if status == 0x0000:
            received = event.dataset
            received.file_meta = event.file_meta
            self.objects[received.SOPInstanceUID] = received
            self.stored[received.SOPInstanceUID] += 1
        return status


@contextmanager
def listening_archive(*sop_classes: str, tls: ssl.SSLContext | None = None) -> Iterator[Archive]:
    """An archive that takes these SOP classes."""
    archive = Archive(tuple(sop_classes), tls=tls)
    archive.start()
    try:
        yield archive
    finally:
        archive.stop()


@dataclass
class Hl7Receiver:
    """An MLLP server. ``answers`` are MSA-1 of the next messages, then AA; ``echoes`` gives MSA-2, the message's own if None."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    echoes: str | None = None
    is_silent: bool = False
    messages: list[Message] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def reply(self, received: str) -> str:
        """Read a message as the standard has it, and acknowledge it."""
        # hl7apy takes a document for a text of at most 199 characters.
        message = parse_message(re.sub(r"Base64\^[^|\r]+", "Base64^-", received), find_groups=True)
        message.validate()
        self.raw.append(received)
        self.messages.append(message)
        code = self.answers.pop(0) if self.answers else "AA"
        answer = Message("ACK", version="2.5.1")
        answer.msh.msh_10 = f"ack-{len(self.messages)}"
        answer.msh.msh_9 = "ACK"
        answer.msa.msa_1 = code
        answer.msa.msa_2 = self.echoes or message.msh.msh_10.value
        return str(answer.to_er7())


@contextmanager
def listening_hl7(tls: ssl.SSLContext | None = None) -> Iterator[Hl7Receiver]:
    """A receiver of HL7 messages, which speaks TLS when a context is given."""
    receiver = Hl7Receiver()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            received = b""
            while not received.endswith(b"\x1c\r"):
                part = self.request.recv(65536)
                if not part:
                    return
                received += part
            if receiver.is_silent:
                receiver.closing.wait(30)
                return
            answer = receiver.reply(received[1:-2].decode())
            self.request.sendall(b"\x0b" + answer.encode() + b"\x1c\r")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((LOOPBACK, 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_address[1]
        with _running(server):
            try:
                yield receiver
            finally:
                receiver.closing.set()


@dataclass(frozen=True)
class Received:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """A web server. ``statuses`` are those of the next answers, then 200; ``refuses`` are UIDs that STOW answers as failed."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    refuses_modalities: set[str] = field(default_factory=set)
    objects: dict[str, Dataset] = field(default_factory=dict)

    def answer(self, request: Received) -> tuple[int, bytes]:
        """What is answered."""
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200 and request.method == "POST" and request.path.endswith("/studies"):
            return self._stow(request)
        return status, b"{}"

    def _stow(self, request: Received) -> tuple[int, bytes]:
        boundary = request.headers["content-type"].split("boundary=")[1].encode()
        stored, failed = [], []
        for part in request.body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            assert b"application/dicom" in head
            one = pydicom.dcmread(BytesIO(content[:-2]))
            item = {"00081155": {"vr": "UI", "Value": [one.SOPInstanceUID]}}
            if one.Modality in self.refuses_modalities:
                failed.append({**item, "00081197": {"vr": "US", "Value": [0x0122]}})
            else:
                stored.append(item)
                self.objects[one.SOPInstanceUID] = one
        body: dict[str, Any] = {"00081199": {"vr": "SQ", "Value": stored}}
        if failed:
            body["00081198"] = {"vr": "SQ", "Value": failed}
        return (200 if not failed else 202 if stored else 409), json.dumps(body).encode()


@contextmanager
def listening_http(receiver: HttpReceiver | None = None) -> Iterator[HttpReceiver]:
    """A web server on the loopback address."""
    receiver = receiver or HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = receiver.answer(Received(self.command, self.path, headers, body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if 300 <= status < 400:
                self.send_header("Location", receiver.url)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        server.daemon_threads = True
        receiver.url = f"http://{LOOPBACK}:{server.server_address[1]}"
        with _running(server):
            yield receiver


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=10)
