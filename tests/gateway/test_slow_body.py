"""A JSON body that does not arrive is not waited for; neither an upload nor an answer that lasts is hurried."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from tests.gateway.installation import Installation, MovingClock
from tests.gateway.slow_senders import ImpatientLoop, received
from tests.serving import served

from gateway.app import create_app
from gateway.settings import GatewaySettings
from ictus.http import BodyDeadlineMiddleware

SECONDS = 30.0


@pytest.fixture
def installation(make_settings: Callable[..., GatewaySettings], clock: MovingClock) -> Iterator[Installation]:
    app = create_app(make_settings(body_seconds=0.3), clock=clock)
    yield Installation(app, clock, app.state.resources)
    app.state.resources.close()


@pytest.mark.parametrize("trickle", [b"", b" "], ids=["silent", "trickling"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
def test_sender_of_a_slow_body_is_told_so_and_cut_off(
    installation: Installation, trickle: bytes, kind: str
) -> None:
    head = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
    with served(installation.app, lifespan="off") as url:
        address = urlsplit(url)
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as sender:
            sender.sendall(head.encode() + b'{"email":')
            answer = b"".join(received(sender, trickle))
    status, _, rest = answer.partition(b"\r\n")
    assert status.startswith(b"HTTP/1.1 408 ")
    problem = json.loads(rest.partition(b"\r\n\r\n")[2])
    assert problem["code"] == "request_stalled"
    assert "too slowly" in problem["detail"]


def test_body_that_arrives_in_time_is_answered(installation: Installation) -> None:
    answer = TestClient(installation.app).post(
        "/api/v1/auth/login", json={"email": "nobody@hospital.test", "password": "wrong password"}
    )
    assert answer.status_code == 401


def pass_through(path: str, messages: list[Message], seconds_between: float) -> list[Message]:
    """What a handler behind the middleware receives when a message comes every so many seconds."""
    seen: list[Message] = []

    async def handler(_scope: Scope, receive: Receive, _send: Send) -> None:
        for _ in messages:
            seen.append(await receive())

    async def run() -> None:
        coming = iter(messages)

        async def receive() -> Message:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, ImpatientLoop)
            loop.ahead += seconds_between
            await asyncio.sleep(0)  # lets the deadline pass, if it does
            await asyncio.sleep(0)
            return next(coming)

        async def send(_message: Message) -> None:
            pytest.fail("the handler answers nothing")

        app = BodyDeadlineMiddleware(handler, seconds=SECONDS, streamed=["/uploads"])
        await app({"type": "http", "path": path}, receive, send)

    with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
        runner.run(run())
    return seen


def body(count: int) -> list[Message]:
    return [{"type": "http.request", "body": b"x", "more_body": left > 0} for left in reversed(range(count))]


def test_pieces_do_not_buy_time() -> None:
    assert len(pass_through("/api/v1/auth/login", body(3), seconds_between=9)) == 3
    with pytest.raises(HTTPException):
        pass_through("/api/v1/auth/login", body(5), seconds_between=9)


def test_upload_keeps_its_own_limit() -> None:
    assert len(pass_through("/uploads", body(9), seconds_between=29)) == 9


def test_client_may_listen_to_a_long_answer() -> None:
    messages = [*body(1), {"type": "http.disconnect"}]
    assert pass_through("/api/v1/events", messages, seconds_between=20) == messages
