"""The bell that says another model was promoted: every worker hears it, also while it is at work.

Celery gives a message to one worker, and to that one only between two jobs; Redis publishes to all at once.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ictus.contracts import tasks

_log = structlog.get_logger(__name__)

_LISTEN_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 5.0


class ModelBell:
    """Calls ``ring`` in a thread of its own, each time another model was promoted.

    It is also called whenever the listening begins, at the start and after a lost connection, because what was
    rung before that was not heard.

    Args:
        redis_url: where the bell is; nothing connects before ``start``.
        ring: returns at once, from any thread.
    """

    def __init__(self, redis_url: str, ring: Callable[[], None]) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_connect_timeout=3, socket_timeout=5, health_check_interval=30
        )
        self._ring = ring
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="model-bell", daemon=True)

    def start(self) -> None:
        """Begin to listen; returns at once, also when Redis is away."""
        self._thread.start()

    def stop(self) -> None:
        """End the listening thread."""
        self._stopping.set()
        self._thread.join(timeout=2 * _LISTEN_SECONDS)
        self._redis.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._redis.pubsub() as bell:
                    bell.subscribe(tasks.MODEL_CHANGED)
                    while not self._stopping.is_set():
                        if bell.get_message(timeout=_LISTEN_SECONDS):  # the first one says that we listen
                            self._ring()
            except RedisError as error:
                _log.warning("model_bell_not_heard", exc_info=error)
                self._stopping.wait(_RETRY_SECONDS)
