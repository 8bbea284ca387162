"""One process at a time for what several may want to write: a second run waits, and finds the work done."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when its process ends, however that is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tqdm.write(f"Waiting for another process that works on {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
