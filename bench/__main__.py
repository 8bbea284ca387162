"""``make bench``: one slice and a 32-slice series, answered in different ways, side by side in one run.

The contenders take turns within each round, so that whatever else the machine does falls on all of them;
what is compared are medians. The last line is one line of figures.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import contenders
from bench.contenders import Contender
from bench.whole_stack import running_stack, upload_to_result
from ictus.imaging import phantom
from inference.artefacts import load_model
from inference.engine import EngineOptions, usable_cores

SIZE = 512
SERIES = 32
STARTER = Path(__file__).resolve().parents[1] / "models" / "starter"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--without-stack", action="store_true", help="leave out upload to result over HTTP")
    options = parser.parse_args()
    console = Console(stderr=True)
    torch.set_num_threads(usable_cores())
    with all_contenders(with_stack=not options.without_stack) as by_size:
        seconds: dict[int, dict[str, list[float]]] = {
            size: {name: [] for name in ways} for size, ways in by_size.items()
        }
        turns = [(size, name, way) for size, ways in by_size.items() for name, way in ways.items()]
        for way in by_size[1].values():  # everybody's first time is slower, and nobody's is counted
            way()
        for _ in track(range(options.rounds), "measuring", console=console):
            for size, name, way in turns:
                seconds[size][name].append(way())
    medians = {
        size: {name: statistics.median(spent) for name, spent in ways.items()}
        for size, ways in seconds.items()
    }
    show(medians, options.rounds)
    return 0


@contextlib.contextmanager
def all_contenders(*, with_stack: bool) -> Iterator[dict[int, dict[str, Contender]]]:
    """The contenders by number of slices."""
    model = load_model(STARTER, EngineOptions(batch=1))
    with contextlib.ExitStack() as opened:
        api = opened.enter_context(running_stack()) if with_stack else None
        by_size: dict[int, dict[str, Contender]] = {}
        for slices in (1, SERIES):
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            volume = phantom.head_ct(slices=slices, size=SIZE, bleed=phantom.Bleed())
            files = phantom.write_dicom_series(volume, folder)
            ways = {
                "file decode": contenders.file_decode(files),
                "bare ONNX forward": contenders.bare_forward(model, volume),
                "pipeline": contenders.pipeline(model, volume.to_bytes()),
                "torch + grad-cam": contenders.usual(model, files),
            }
            if api is not None:
                ways["upload to result"] = upload_to_result(api, slices, SIZE)
            by_size[slices] = ways
        yield by_size


def show(medians: dict[int, dict[str, float]], rounds: int) -> None:
    """A table of medians, then one line of figures."""
    table = Table(title=f"Median of {rounds} rounds, {usable_cores()} cores, load {os.getloadavg()[0]:.1f}")
    for heading in ("slices", "what", "ms", "of forward + decode", "of torch + grad-cam"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    figures = []
    for slices, ways in medians.items():
        least = ways["bare ONNX forward"] + ways["file decode"]
        usual = ways["torch + grad-cam"]
        for name, spent in ways.items():
            table.add_row(
                str(slices), name, f"{spent * 1000:.1f}", f"{spent / least:.2f}", f"{spent / usual:.2f}"
            )
        for name, title in (("pipeline", "pipeline"), ("upload to result", "upload_to_result")):
            if name in ways:
                figures.append(f"{title}_{slices}={ways[name] / least:.2f}x_bare")
                figures.append(f"{title}_{slices}_speedup={usual / ways[name]:.2f}x_usual")
    Console().print(table)
    sys.stdout.write("bench: " + " ".join(figures) + "\n")


if __name__ == "__main__":
    sys.exit(main())
