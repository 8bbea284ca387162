"""Waiting for what happens in other threads and processes."""

import threading
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return as soon as ``condition`` holds; fail when it does not within ``seconds``."""
    patience = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        patience.wait(0.02)
    raise AssertionError("the condition never held")
