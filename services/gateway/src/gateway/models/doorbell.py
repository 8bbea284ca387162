"""Telling the inference workers that the model in use has changed, by Redis. Losing it loses nothing."""

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ictus.contracts import tasks

_log = structlog.get_logger(__name__)


def ring_workers(redis: "Redis[bytes]") -> None:
    """Have all inference workers ask for the champion now; they also ask by themselves, so this may fail."""
    try:
        redis.publish(tasks.MODEL_CHANGED, b"")
    except RedisError as error:
        _log.warning("workers_not_told", exc_info=error)
