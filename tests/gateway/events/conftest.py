"""The application behind a real HTTP server: streams do not end, which the in-process client waits for."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.gateway.analysis import Worker
from tests.gateway.installation import Installation, MovingClock, Person
from tests.serving import served

from gateway.app import create_app
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role


@pytest.fixture
def installation(make_settings: Callable[..., GatewaySettings], clock: MovingClock) -> Iterator[Installation]:
    app = create_app(make_settings(stream_check_seconds=0.2), clock=clock)
    app.state.resources.redis.flushdb()
    yield Installation(app, clock, app.state.resources)
    app.state.resources.close()


@pytest.fixture
def address(installation: Installation) -> Iterator[str]:
    """Where the application is served."""
    with served(installation.app, lifespan="off") as url:
        yield url


@pytest.fixture
def reader(installation: Installation) -> Person:
    return installation.add_person(Role.RADIOLOGIST)


@pytest.fixture
def worker(installation: Installation) -> Worker:
    return Worker.of(installation)


@dataclass
class Stream:
    """An open event stream."""

    lines: Iterator[str]
    last_id: str | None = None

    def next(self) -> dict[str, Any]:
        """The next event's data, waiting for it; its id is kept in ``last_id``."""
        data = ""
        for line in self.lines:
            if line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
            elif not line and data:
                event: dict[str, Any] = json.loads(data)
                return event
        raise EOFError

    def until(self, kind: str) -> list[str]:
        """The kinds of the events up to the first of ``kind``."""
        kinds = [self.next()["kind"]]
        while kinds[-1] != kind:
            kinds.append(self.next()["kind"])
        return kinds

    def has_ended(self) -> bool:
        """Whether the server ends the stream with no further event; waits for its end."""
        return all(line.startswith(":") or not line for line in self.lines)


OpenStream = Callable[..., Any]


@pytest.fixture
def open_stream(address: str) -> OpenStream:
    """Opens streams as a browser does, with the person's cookies."""

    @contextmanager
    def opened(person: Person, path: str = "/api/v1/events", last_id: str | None = None) -> Iterator[Stream]:
        cookies = dict(person.sign_in().cookies)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with (
            httpx.Client(base_url=address, cookies=cookies, timeout=20) as client,
            client.stream("GET", path, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Stream(answer.iter_lines())

    return opened
