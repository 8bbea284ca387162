"""Independent parts of a training in processes side by side on one machine.

Two folds on one core each are done sooner than one after the other on two: small convolutions share badly.
"""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVarTuple

import torch

Arguments = TypeVarTuple("Arguments")


def run_side_by_side(
    jobs: int, work: Callable[[*Arguments], None], parts: Iterable[tuple[*Arguments]]
) -> None:
    """Call ``work`` with each of ``parts``, ``jobs`` at a time, each in a process with its share of the cores.

    Raises:
        Exception: what the first part that failed raised; parts that have not begun are dropped.
    """
    threads = max(1, len(os.sched_getaffinity(0)) // jobs)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (threads,)) as pool:
        running = [pool.submit(work, *part) for part in parts]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(threads: int) -> None:
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed must not go on: the next run would write the same files."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
