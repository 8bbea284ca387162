"""One run of the fault test: an isolated stack under load, accidents at fixed points of it, then the count."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import httpx
import psycopg2
from redis import Redis
from tests.faults.count import ended_jobs

from ictus.imaging import phantom
from local.ports import LOOPBACK
from local.stack import LocalStack

STACK_SETTINGS: Final[Mapping[str, str]] = {
    "ICTUS_LEASE_SECONDS": "8",
    "ICTUS_SWEEP_SECONDS": "1",
    "ICTUS_RETRY_BACKOFF_SECONDS": "1",
    "ICTUS_LOG_LEVEL": "WARNING",
}
"""A dead worker is noticed sooner than in a real installation, so that the test does not mostly wait."""

PROCESSES: Final = ("gateway", "gateway-tasks", "feedback", "inference")
_SENDERS: Final = 3
_POLL_SECONDS: Final = 0.1


class Accident(StrEnum):
    """What happens to the stack."""

    WORKER_KILLED = "the inference worker is killed (-9)"
    REDIS_EMPTIED = "Redis is emptied (FLUSHALL)"
    DATABASE_RESTARTED = "PostgreSQL is shut down immediately and starts again"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much load, and which accidents; ``seed`` fixes their order."""

    jobs: int = 300
    kills: int = 20
    flushes: int = 5
    restarts: int = 2
    seconds: float = 570.0
    seed: int = 1

    def accidents(self) -> list[tuple[int, Accident]]:
        """When each happens, as a number of ended jobs: spread evenly over the run, in a shuffled order."""
        kinds = (
            [Accident.WORKER_KILLED] * self.kills
            + [Accident.REDIS_EMPTIED] * self.flushes
            + [Accident.DATABASE_RESTARTED] * self.restarts
        )
        random.Random(self.seed).shuffle(kinds)  # noqa: S311  no secret
        step = self.jobs / (len(kinds) + 1)
        return [(int(step * number), kind) for number, kind in enumerate(kinds, 1)]


class TimeIsUpError(Exception):
    """The jobs did not all end within the time of the plan."""


@dataclass
class Progress:
    """How far a run is; ``ended`` counts jobs in a final state."""

    sent: int = 0
    ended: int = 0
    happened: dict[Accident, int] = field(default_factory=lambda: dict.fromkeys(Accident, 0))
    latest: Accident | None = None


Show = Callable[[Progress], None]


def run(stack: LocalStack, plan: Plan, show: Show) -> Progress:
    """Put the stack under load and mischief until every job has ended.

    Raises:
        TimeIsUpError: they did not.
    """
    progress = Progress()
    deadline = time.monotonic() + plan.seconds
    give_up = threading.Event()
    waiting = plan.accidents()
    with ThreadPoolExecutor(_SENDERS) as pool:
        sender = _Sender(stack, give_up)
        sendings = [pool.submit(sender.send, picture) for picture in _pictures(plan.jobs, plan.seed)]
        try:
            while progress.ended < plan.jobs:
                if time.monotonic() > deadline:
                    raise TimeIsUpError(f"{progress.ended} of {plan.jobs} jobs ended in {plan.seconds:.0f} s")
                for done in [one for one in sendings if one.done()]:
                    done.result()
                    sendings.remove(done)
                    progress.sent += 1
                if waiting and progress.ended >= waiting[0][0]:
                    kind = waiting.pop(0)[1]
                    _cause(stack, kind)
                    progress.happened[kind] += 1
                    progress.latest = kind
                progress.ended = _ended(stack, progress.ended)
                show(progress)
                give_up.wait(_POLL_SECONDS)
        finally:
            give_up.set()
    return progress


class _Sender:
    """Uploads pictures through the public API, again and again while a part of the stack is away."""

    def __init__(self, stack: LocalStack, give_up: threading.Event) -> None:
        command = ("gateway.cli", "create-api-key", "Fault test", "--hours", "1", "--scope", "studies:write")
        key = stack.run_command("gateway", *command).strip()
        self._client = httpx.Client(
            base_url=stack.url("gateway"), headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        self._give_up = give_up

    def send(self, picture: bytes) -> None:
        """Return when the picture's study is there. The same bytes make one study, so repeating is safe."""
        while not self._give_up.is_set():
            try:
                answer = self._client.post(
                    "/api/v1/studies", files={"files": ("picture.png", picture)}, data={"modality": "CT"}
                )
            except httpx.TransportError:
                pass
            else:
                if answer.is_success:
                    return
                if not answer.is_server_error:
                    answer.raise_for_status()
            self._give_up.wait(0.5)


def _pictures(count: int, seed: int) -> Iterator[bytes]:
    """Slices of small heads, half of them bleeding, all of different bytes."""
    for number in range(count):
        bleed = phantom.Bleed() if number % 2 else None
        yield phantom.picture(phantom.head_ct(slices=1, size=96, bleed=bleed, seed=seed + number), 0)


def _cause(stack: LocalStack, accident: Accident) -> None:
    match accident:
        case Accident.WORKER_KILLED:
            # A worker that is still starting holds no job: killing it would prove nothing.
            stack.wait_ready("inference")
            stack.kill("inference", signal.SIGKILL)
        case Accident.REDIS_EMPTIED:
            password = stack.credentials.redis_password
            with Redis(LOOPBACK, stack.ports["redis"], password=password) as redis:
                redis.flushall()
        case Accident.DATABASE_RESTARTED:
            # What `pg_ctl stop -m immediate` sends: no checkpoint, the next start recovers from the log.
            stack.kill("postgres", signal.SIGQUIT)
            stack.wait_ready("postgres")


def _ended(stack: LocalStack, last: int) -> int:
    """Jobs in a final state, by the database; ``last`` while it does not answer."""
    try:
        return ended_jobs(stack)
    except psycopg2.OperationalError:
        return last
