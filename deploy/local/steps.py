"""What starting the stack consists of, what each step needs first, and a runner that does them side by side."""

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from graphlib import TopologicalSorter
from typing import Final

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "postgres": (),
    "redis": (),
    "s3": (),
    "databases": ("postgres",),
    "buckets": ("s3",),
    "gateway-tables": ("databases",),
    "feedback-tables": ("databases",),
    "first-admin": ("gateway-tables",),
    "mlflow": ("databases",),
    "starter-model": ("mlflow", "buckets"),
    "feedback": ("databases", "feedback-tables"),
    "gateway": ("databases", "gateway-tables", "first-admin", "redis", "buckets"),
    "gateway-tasks": ("databases", "gateway-tables", "redis", "buckets"),
    "gateway-deliveries": ("databases", "gateway-tables", "redis", "buckets"),
    "dimse": ("databases", "gateway-tables", "redis"),
    "inference": ("starter-model", "redis", "buckets"),
    "trainer": ("redis", "mlflow"),
}
"""Every step, by what must be done before it. A name of ``supervisord.conf`` starts that process.

A worker waits by itself for the services that it talks to.
"""

TITLES: Final[Mapping[str, str]] = {
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "s3": "S3 (SeaweedFS)",
    "databases": "database roles and schemas",
    "buckets": "S3 buckets",
    "gateway-tables": "gateway's tables",
    "feedback-tables": "feedback's tables",
    "first-admin": "first administrator",
    "mlflow": "model registry (MLflow)",
    "starter-model": "starter model",
    "feedback": "feedback",
    "gateway": "gateway",
    "gateway-tasks": "gateway's schedule",
    "gateway-deliveries": "gateway's deliveries",
    "dimse": "DICOM listener",
    "inference": "inference worker",
    "trainer": "trainer worker",
}

Announce = Callable[[str], AbstractContextManager[None]]
"""Shows that a step goes on for as long as the context lasts."""


@contextmanager
def quietly(_title: str) -> Iterator[None]:
    """Show nothing, as tests want it."""
    yield


def required_for(names: Collection[str], done: Set[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    """Give the part of `NEEDS` that leads to `names`, without what is `done` already."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = [name for name in names if name not in done]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = tuple(need for need in NEEDS[name] if need not in done)
            waiting.extend(found[name])
    return found


def run_steps(
    names: Collection[str],
    do: Callable[[str], None],
    announce: Announce = quietly,
    done: Set[str] = frozenset(),
) -> None:
    """Do every step that leads to `names` and is not `done`, each as soon as what it needs is done.

    Raises:
        Exception: The first that a step raised; steps that go on are waited for, no further one begins.
    """

    def announced(name: str) -> None:
        with announce(TITLES[name]):
            do(name)

    order = TopologicalSorter(required_for(names, done))
    order.prepare()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=len(NEEDS)) as pool:
        while order.is_active():
            running |= {pool.submit(announced, name): name for name in order.get_ready()}
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                name = running.pop(future)
                future.result()
                order.done(name)
