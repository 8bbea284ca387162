"""The worker's sign of life: a file that it touches while it works or waits, and has a model.

A container's health check runs ``python -m inference.health``: 0 when the file was touched lately.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inference.settings import HealthSettings

LATE_SECONDS: Final = 120.0
"""No step of a job that is alive takes this long; the object store's longest wait is below it."""

_SELDOM_SECONDS: Final = 1.0


class Pulse:
    """Touches the file, at most once a second and only while ``ready`` says so. A missing path does nothing."""

    def __init__(
        self,
        path: Path | None,
        ready: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._ready = ready
        self._monotonic = monotonic
        self._next = 0.0

    def beat(self) -> None:
        """Say that the worker goes on."""
        if self._path is None or self._monotonic() < self._next or not self._ready():
            return
        self._next = self._monotonic() + _SELDOM_SECONDS
        self._path.touch()


def is_alive(path: Path, now: float) -> bool:
    """Whether the file was touched less than ``LATE_SECONDS`` before ``now`` (seconds since the epoch)."""
    try:
        return now - path.stat().st_mtime < LATE_SECONDS
    except FileNotFoundError:
        return False


def main() -> int:
    """Exit code of a health check."""
    path = HealthSettings().pulse_file
    return 0 if path is not None and is_alive(path, time.time()) else 1


if __name__ == "__main__":
    sys.exit(main())
