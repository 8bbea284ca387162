"""A sender that hardly sends must not keep its place for ever; one that is merely slow must not be refused."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from tests.gateway.installation import Installation, MovingClock
from tests.gateway.slow_senders import KIB, ImpatientLoop, received
from tests.serving import served

from gateway.app import create_app
from gateway.settings import GatewaySettings
from gateway.studies.errors import UploadStalledError
from gateway.studies.upload import receive_upload
from ictus.domain.enums import Role

HEAD = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
END = b"\r\n--b--\r\n"


@pytest.fixture
def installation(
    make_settings: Callable[..., GatewaySettings], clock: MovingClock, tmp_path: Path
) -> Iterator[Installation]:
    app = create_app(make_settings(upload_stall_seconds=0.3, work_dir=tmp_path), clock=clock)
    yield Installation(app, clock, app.state.resources)
    app.state.resources.close()


@pytest.mark.parametrize("trickle", [b"", b"x"], ids=["silent", "trickling"])
def test_sender_that_hardly_sends_is_told_so_and_cut_off(
    installation: Installation, tmp_path: Path, trickle: bytes
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    head = browser.build_request(
        "POST",
        "/api/v1/studies",
        headers={"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "1000000"},
    )
    lines = [f"{name}: {value}" for name, value in head.headers.items()]
    with served(installation.app, lifespan="off") as url:
        address = urlsplit(url)
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as sender:
            sender.sendall("\r\n".join(["POST /api/v1/studies HTTP/1.1", *lines, "", ""]).encode() + HEAD)
            answer = b"".join(received(sender, trickle))
    status, _, rest = answer.partition(b"\r\n")
    assert status.startswith(b"HTTP/1.1 408 ")
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["code"] == "upload_stalled"
    assert list(tmp_path.iterdir()) == []
    row = installation.audit()[-1]
    assert (row.action, row.outcome, row.code) == ("study.upload", "refused", "upload_stalled")


def receive(chunks: list[bytes], seconds_between: float, folder: Path) -> list[bytes]:
    """Receive an upload that arrives in pieces; the contents of its files."""

    async def run() -> list[bytes]:
        pieces = iter([HEAD, *chunks, END])
        left = len(chunks) + 1

        async def next_piece() -> dict[str, object]:
            nonlocal left
            loop = asyncio.get_running_loop()
            assert isinstance(loop, ImpatientLoop)
            loop.ahead += seconds_between
            left -= 1
            return {"type": "http.request", "body": next(pieces), "more_body": left >= 0}

        scope = {"type": "http", "headers": [(b"content-type", b"multipart/form-data; boundary=b")]}
        async with receive_upload(
            Request(scope, next_piece),
            within=folder,
            max_bytes=2**30,
            max_files=10,
            stall_seconds=60,
        ) as upload:
            return [path.read_bytes() for path in upload.files]

    with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
        return runner.run(run())


def test_slow_upload_that_goes_on_arriving_is_taken_however_long_it_lasts(tmp_path: Path) -> None:
    chunks = [bytes([number]) * 64 * KIB for number in range(20)]
    assert receive(chunks, seconds_between=29, folder=tmp_path) == [b"".join(chunks)]


def test_bytes_that_come_too_rarely_are_no_progress(tmp_path: Path) -> None:
    with pytest.raises(UploadStalledError):
        receive([b"x"] * 20, seconds_between=29, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
