"""The bell of a changed model on a real Redis, in a database that no other test's connections are in."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from redis import Redis
from tests.conftest import RedisServer
from tests.inference.waiting import wait_until

from ictus.contracts import tasks
from inference.bell import ModelBell
from trainer.publish import model_bell


class Rings(list[str]):
    """What a worker heard."""

    def ring(self) -> None:
        self.append("heard")


@contextmanager
def listening(url: str) -> Iterator[Rings]:
    rings = Rings()
    bell = ModelBell(url, rings.ring)
    bell.start()
    try:
        yield rings
    finally:
        bell.stop()


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_server.url)) as client:
        yield client


def listeners(server: Redis) -> int:
    ((_, count),) = server.pubsub_numsub(tasks.MODEL_CHANGED)
    return int(count)


def test_every_worker_hears_every_ring(redis_server: RedisServer, server: Redis) -> None:
    ring: Callable[[], None] = model_bell(redis_server.url)
    with listening(redis_server.url) as one, listening(redis_server.url) as other:
        wait_until(lambda: len(one) == len(other) == 1)  # each looks once as it begins to listen
        for heard in (2, 3):
            ring()
            wait_until(lambda heard=heard: len(one) == len(other) == heard)
    wait_until(lambda: listeners(server) == 0)


def test_lost_connection_is_made_again_and_what_was_missed_is_looked_for(
    redis_server: RedisServer, server: Redis
) -> None:
    with listening(redis_server.url) as rings:
        wait_until(lambda: len(rings) == 1)
        server.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: len(rings) == 2)
        model_bell(redis_server.url)()
        wait_until(lambda: len(rings) == 3)


def test_worker_starts_and_stops_while_redis_is_away() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with listening(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0") as rings:
            pass
    assert not rings
