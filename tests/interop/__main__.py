"""``python -m tests.interop``: one Ictus among the systems of a hospital. The last line has the figures.

A scenario is a function of the running installation that gives its figures in words, and raises
``BrokenPromiseError`` when a promise is broken. Add one to ``_scenarios``.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from tests.interop import fetching, ohif, orthanc, senders
from tests.interop.openapi import every_operation_holds
from tests.interop.outage import destination_is_away
from tests.interop.ward import PROCESSES, SETTINGS, BrokenPromiseError, Ward

from local.errors import StackError
from local.stack import LocalStack

Scenario = Callable[[Ward], str]


def _scenarios(options: argparse.Namespace) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {
        "dicomweb-client": partial(senders.client_goes_round, patience=options.patience),
        "outage": partial(
            destination_is_away, studies=options.studies, seconds_away=options.away, patience=options.patience
        ),
    }
    if senders.has_dcmtk():
        found["dcmtk"] = partial(senders.dcmtk_sends, patience=options.patience)
    if orthanc.is_installed():
        found["orthanc"] = partial(orthanc.results_come_back, patience=options.patience)
        found["orthanc-sends"] = partial(senders.orthanc_sends, patience=options.patience)
        found["orthanc-gives"] = partial(fetching.orders_are_fetched, patience=options.patience)
    if ohif.is_installed():
        found["ohif"] = partial(ohif.viewer_shows, patience=options.patience)
    # The last one: what it makes up may change settings that the others rely on.
    found["openapi"] = partial(every_operation_holds, examples=options.examples, seconds=options.fuzz_seconds)
    return found


def main() -> int:
    """Run the scenarios on a stack of their own; 1 when a promise is broken."""
    options = _options()
    console = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="ictus-interop-"))
    started = time.monotonic()
    told: dict[str, str] = {}
    broken = 0
    try:
        console.print(f"starting an Ictus of its own in {folder} …")
        with LocalStack(folder, processes=PROCESSES, settings=SETTINGS) as stack:
            ward = Ward.open(stack)
            for name, scenario in _scenarios(options).items():
                if options.only and name not in options.only:
                    continue
                console.print(f"{name} …")
                try:
                    ward.settle(options.patience)
                    told[name] = scenario(ward)
                except BrokenPromiseError as error:
                    broken += 1
                    told[name] = f"BROKEN: {error}"
                console.print(f"  {told[name]}", soft_wrap=True)
            ward.close()
    except StackError as error:
        console.print(f"interop: BROKEN: {error}")
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for name, is_there, what in (
        ("orthanc", orthanc.is_installed(), "Debian's orthanc and orthanc-dicomweb"),
        ("dcmtk", senders.has_dcmtk(), "Debian's dcmtk"),
        ("ohif", ohif.is_installed(), "npm's @ohif/app, Chromium or tests/e2e's packages"),
    ):
        if not is_there:
            console.print(f"{name}: left out, since {what} is not installed")
    seconds = time.monotonic() - started
    figures = "; ".join(f"{name}: {words}" for name, words in told.items())
    console.print(f"interop: {'BROKEN' if broken else 'ok'}: {figures}; {seconds:.0f} s", soft_wrap=True)
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.interop", description=__doc__)
    parser.add_argument("--studies", type=int, default=200, help="sent while a destination is away")
    parser.add_argument(
        "--away", type=float, default=600.0, help="seconds that the destination is away at least"
    )
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds that each step may take")
    parser.add_argument("--examples", type=int, default=5, help="made-up requests for each operation")
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="that making up requests may take")
    parser.add_argument("--only", action="append", help="a scenario's name; all when left out")
    parser.add_argument("--keep", action="store_true", help="leave the stack's data and logs behind")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
