"""Waiting for another service that does not answer just now."""

import time
from collections.abc import Callable

from ictus.domain.errors import UnavailableError


def until_answered(
    act: Callable[[], None],
    *,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Repeat ``act`` while the other side does not answer, with growing pauses.

    Raises:
        UnavailableError: no answer within ``seconds``.
    """
    deadline = monotonic() + seconds
    pause = 0.1
    while True:
        try:
            act()
        except UnavailableError:
            if monotonic() + pause > deadline:
                raise
            sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return
