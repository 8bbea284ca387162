"""What starting the stack consists of, what each step needs first, and a runner that does them side by side."""

from collections.abc import Callable, Collection, Iterator, Mapping
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
    "feedback": ("feedback-tables",),
    "gateway": ("gateway-tables", "first-admin", "redis", "buckets"),
    "gateway-tasks": ("gateway-tables", "redis", "buckets"),
    "inference": ("starter-model", "gateway", "redis", "buckets"),
    "trainer": ("redis", "mlflow"),
}
"""Every step, by what must be done before it. A name of ``supervisord.conf`` starts that process."""

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
    "inference": "inference worker",
    "trainer": "trainer worker",
}

Announce = Callable[[str], AbstractContextManager[None]]
"""Shows that a step goes on for as long as the context lasts."""


@contextmanager
def quietly(_title: str) -> Iterator[None]:
    """Show nothing, as tests want it."""
    yield


def required_for(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Give the part of `NEEDS` that leads to `names`."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = NEEDS[name]
            waiting.extend(NEEDS[name])
    return found


def run_steps(names: Collection[str], do: Callable[[str], None], announce: Announce = quietly) -> None:
    """Do every step that leads to `names`, each as soon as what it needs is done.

    Raises:
        Exception: The first that a step raised; steps that go on are waited for, no further one begins.
    """

    def announced(name: str) -> None:
        with announce(TITLES[name]):
            do(name)

    order = TopologicalSorter(required_for(names))
    order.prepare()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=len(NEEDS)) as pool:
        while order.is_active():
            running |= {pool.submit(announced, name): name for name in order.get_ready()}
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                future.result()
                order.done(name)
