"""Prometheus metrics of a process: a registry with what every process tells of itself, and a door for scrapes."""

import threading
from types import TracebackType
from typing import Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def process_registry() -> CollectorRegistry:
    """A registry that holds this process' memory, time, files and garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class MetricsServer:
    """``GET /metrics`` of a process that serves nothing else, from a thread of its own.

    Args:
        registry: what is told.
        port: where it listens; None does not listen, 0 takes a free one.
        address: on which address; everything inside a container, whose network is the fence.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(self, registry: CollectorRegistry, port: int | None, address: str = "127.0.0.1") -> None:
        self._registry = registry
        self._wanted = port
        self._address = address
        self._running: tuple[WSGIServer, threading.Thread] | None = None

    @property
    def port(self) -> int | None:
        """Where it listens; None when it does not."""
        return self._running[0].server_port if self._running else None

    def __enter__(self) -> Self:
        if self._wanted is not None:
            self._running = start_http_server(self._wanted, self._address, self._registry)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join()
            self._running = None
