"""Register a model directory, make it the champion where there is none, and tell the inference workers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from ictus.contracts import tasks
from ictus.registry import Registry


@dataclass(frozen=True)
class Published:
    """A registered version, and whether it answers now."""

    version: str
    is_champion: bool


def publish_model(
    registry: Registry, directory: Path, ring: Callable[[], None], *, promote: bool = False
) -> Published:
    """Register a model directory. Doing it again changes nothing.

    Args:
        registry: where to.
        directory: verified before anything is sent.
        ring: called after the champion changed.
        promote: make it the champion even when there is one.

    Raises:
        ModelRefusedError: the directory is incomplete or was changed.
        ConflictError: its version is registered with other content.
        UnavailableError: the registry does not answer.
    """
    version = registry.publish(directory)
    champion = registry.champion()
    if champion is None or (promote and champion != version):
        registry.promote(version)
        ring()
        champion = version
    return Published(version, is_champion=champion == version)


def model_bell(redis_url: str) -> Callable[[], None]:
    """What tells all inference workers to ask for the champion now; they also poll."""

    def ring() -> None:
        with Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=5) as redis:
            redis.publish(tasks.MODEL_CHANGED, b"")

    return ring
