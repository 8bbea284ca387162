"""``python -m tests.faults``: every job ends once, whatever is killed meanwhile. The last line has the figures."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tests.faults import scenario
from tests.faults.count import count
from tests.faults.scenario import PROCESSES, STACK_SETTINGS, Accident, Plan, TimeIsUpError

from local.errors import StackError
from local.stack import LocalStack


def main() -> int:
    """Run the scenario on a stack of its own; 1 when a promise is broken."""
    plan, keep = _options()
    console = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="ictus-faults-"))
    started = time.monotonic()
    try:
        console.print(f"starting an Ictus of its own in {folder} …")
        with LocalStack(folder, processes=PROCESSES, settings=STACK_SETTINGS) as stack:
            console.print(f"ready after {time.monotonic() - started:.0f} s")
            return _prove(stack, plan, console)
    except (StackError, TimeIsUpError) as error:
        console.print(f"faults: BROKEN: {error}")
        return 1
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _prove(stack: LocalStack, plan: Plan, console: Console) -> int:
    started = time.monotonic()
    with _bar(console, plan) as show:
        happened = scenario.run(stack, plan, show).happened
    seconds = time.monotonic() - started
    found = count(stack)
    broken = found.broken_promises(plan.jobs)
    for words in broken:
        console.print(f"broken: {words}")
    console.print(
        f"faults: {'BROKEN' if broken else 'ok'}: {found.jobs} jobs, {found.results} results, "
        f"{found.failed} failed with a reason, {found.jobs - found.ended_once} not ended exactly once; "
        f"{found.attempts} attempts; {happened[Accident.WORKER_KILLED]} worker kills, "
        f"{happened[Accident.REDIS_EMPTIED]} Redis flushes, "
        f"{happened[Accident.DATABASE_RESTARTED]} database restarts; {seconds:.0f} s",
        soft_wrap=True,
    )
    return 1 if broken else 0


@contextmanager
def _bar(console: Console, plan: Plan) -> Iterator[scenario.Show]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        sent = bars.add_task("sent ", total=plan.jobs)
        ended = bars.add_task("ended", total=plan.jobs)
        told = 0

        def show(progress: scenario.Progress) -> None:
            nonlocal told
            bars.update(sent, completed=progress.sent)
            bars.update(ended, completed=progress.ended)
            if sum(progress.happened.values()) > told:
                told = sum(progress.happened.values())
                console.print(f"{progress.ended:4d} ended · {progress.latest}")

        yield show


def _options() -> tuple[Plan, bool]:
    default = Plan()
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    for name in ("jobs", "kills", "flushes", "restarts", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name))
    parser.add_argument("--seconds", type=float, default=default.seconds, help="for all jobs to end")
    parser.add_argument("--keep", action="store_true", help="leave the stack's data and logs behind")
    options = vars(parser.parse_args())
    keep = bool(options.pop("keep"))
    return Plan(**options), keep


if __name__ == "__main__":
    sys.exit(main())
