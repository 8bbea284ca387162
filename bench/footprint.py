"""``make bench-footprint``: what a whole local installation needs of a machine: memory of each process, and how soon it answers.

Memory is PSS (shared pages are divided among those who share them), so the sum is what the machine must have. It is
looked at several times a second while series are analysed. The last line is one line of figures; 1 when the most that
all processes had at a time is more than is asked.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.whole_stack import machine_of, upload_to_result
from local.stack import EVERYTHING, LocalStack
from local.supervisor_client import Supervisor

ASKED_GIB: Final = 4.0
_SERIES, _SLICES, _SIZE = 5, 32, 512
_BETWEEN_SECONDS: Final = 0.25
_SUPERVISOR: Final = "supervisord"


def main() -> int:
    """Start, analyse, look, start again, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="ictus-") as folder:
        began = time.monotonic()
        with LocalStack(Path(folder), processes=EVERYTHING) as stack:
            first_start = time.monotonic() - began
            console.print(f"an empty folder answers after {first_start:.1f} s")
            trees = Trees.of(Supervisor(Path(folder) / "run"))
            idle = trees.memory()
            with machine_of(stack) as api, trees.watched() as most:
                analyse = upload_to_result(api, _SLICES, _SIZE)
                seconds = [analyse() for _ in range(_SERIES)]
        began = time.monotonic()
        with LocalStack(Path(folder), processes=EVERYTHING):
            again = time.monotonic() - began
    table = Table(
        title=f"Memory (PSS, MiB), idle and at most while {_SERIES} series of {_SLICES} slices are analysed"
    )
    for heading in ("", "idle", "most"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in sorted(most.each, key=most.each.__getitem__, reverse=True):
        table.add_row(name, f"{_mib(idle[name]):.0f}", f"{_mib(most.each[name]):.0f}")
    table.add_row("together", f"{_mib(idle.total()):.0f}", f"{_mib(most.together):.0f}")
    console.print(table)
    gib = most.together / 1024**3
    figures = [
        f"most_gib={gib:.2f}",
        f"idle_gib={idle.total() / 1024**3:.2f}",
        f"first_start_s={first_start:.1f}",
        f"later_start_s={again:.1f}",
        f"first_series_s={seconds[0]:.2f}",
        f"later_series_s={min(seconds[1:]):.2f}",
    ]
    verdict = "ok" if gib <= ASKED_GIB else f"MORE THAN {ASKED_GIB:.0f} GIB"
    sys.stdout.write(f"bench-footprint: {verdict} {' '.join(figures)}\n")
    return 0 if gib <= ASKED_GIB else 1


@dataclass
class Most:
    """The most that was seen, in bytes: of each process with its children, and of all at a time."""

    each: Counter[str] = field(default_factory=Counter)
    together: int = 0

    def note(self, memory: Counter[str]) -> None:
        """Look at what there is now."""
        self.each |= memory
        self.together = max(self.together, memory.total())


@dataclass(frozen=True)
class Trees:
    """The processes of an installation by name, each with its children."""

    roots: Mapping[str, psutil.Process]

    @classmethod
    def of(cls, supervisor: Supervisor) -> "Trees":
        """Those that run now."""
        running = {state.name: state.pid for state in supervisor.states() if state.pid}
        pids = running | {_SUPERVISOR: supervisor.pid()}
        return cls({name: psutil.Process(pid) for name, pid in pids.items()})

    def memory(self) -> Counter[str]:
        """PSS in bytes by name."""
        return Counter({name: sum(map(_pss, self._tree(name))) for name in self.roots})

    @contextmanager
    def watched(self) -> Iterator[Most]:
        """Look again and again until the end; what is given has the most at any time."""
        most, ended = Most(), threading.Event()

        def look() -> None:
            while not ended.wait(_BETWEEN_SECONDS):
                most.note(self.memory())

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield most
        finally:
            ended.set()
            watcher.join()

    def _tree(self, name: str) -> list[psutil.Process]:
        """The supervisor's children have names of their own."""
        root = self.roots[name]
        return [root, *([] if name == _SUPERVISOR else root.children(recursive=True))]


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended
        return 0


def _mib(size: int) -> float:
    return size / 1024**2


if __name__ == "__main__":
    sys.exit(main())
