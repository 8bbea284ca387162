"""``make bench-continual``: ten rounds from a new scanner, six ways to learn them, side by side.

The last line carries the figures, and says whether the way that a training tries first, which is latent replay with
distillation, keeps what is asked; protected learning is what it tries when the gate refuses that (docs/decisions/0136).
The gate is not asked here: divisions of 82 patients leave none for a frozen test set. Of the short form (default): six
divisions of the patients and at most four normal slices of each patient. The full form, ``--full``: ten divisions and all
slices. The settings are those of the product (``permitted_changes.yaml``); those of replay and distillation were chosen on
other divisions of the same patients, from ``CHOSEN_FROM`` on, with ``--choose``.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.continual.contenders import (
    BASE,
    CEILING,
    CONTENDERS,
    DISTILLED,
    PROTECTED,
    REPLAY,
    Point,
    run_division,
)
from bench.continual.drawing import draw
from bench.continual.embeddings import chosen_slices, embed
from bench.continual.stream import ROUNDS
from ictus.model.manifest import load_model_directory
from ictus.model.permitted_changes import permitted_changes
from trainer.data import load_dataset

Runs = Sequence[Mapping[str, list[Point]]]

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = CHECKOUT.parent / "shared" / "data"
STARTER = CHECKOUT / "models" / "starter"
PRESENTATION = "Intraparenchymal"
CHOSEN_FROM = 100
"""Seed of the first division of the patients that settings may be chosen on; those that are reported come before."""
_NORMALS, _DIVISIONS = 4, 6
"""Of the short form."""
_PROCESSES = 2
ASKED_SHARE = 0.8
ASKED_LOSS = 0.01
ASKED_SECONDS = 60.0


def main() -> int:
    """Measure, draw and print; 0 when what is asked is kept, 1 when not, 2 without the data."""
    parser = argparse.ArgumentParser(prog="python -m bench.continual", description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten divisions, all slices")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with ct-ich/")
    parser.add_argument("--cache", type=Path, default=CHECKOUT / ".local" / "bench-continual")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "build" / "bench-continual")
    parser.add_argument(
        "--choose", action="store_true", help="on the divisions that settings are chosen on; reports nothing"
    )
    options = parser.parse_args()
    if not (options.data / "ct-ich").is_dir():
        sys.stdout.write(f"bench-continual: not run: there is no ct-ich in {options.data}\n")
        return 2
    options.cache.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(options.data / "ct-ich")
    rows = chosen_slices(dataset, None if options.full else _NORMALS, seed=0)
    scanners = embed(dataset, rows, PRESENTATION, load_model_directory(STARTER), options.cache)
    first = CHOSEN_FROM if options.choose else 0
    divisions = range(first, first + (10 if options.full else _DIVISIONS))
    each = partial(run_division, scanners, permitted_changes().learning)
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        runs = list(track(pool.map(each, divisions), "learning", total=len(divisions)))
    options.output.mkdir(parents=True, exist_ok=True)
    draw(runs, options.output)
    return show(runs, options.output, chosen=not options.choose)


def show(runs: Runs, output: Path, *, chosen: bool) -> int:
    """A table of the last round, then one line of figures; 0 when what a training tries first keeps what is asked.

    Args:
        runs: one for each division.
        output: folder of the plot.
        chosen: whether the settings were chosen on other divisions than these.
    """
    table = Table(
        title=f"After round {ROUNDS}, mean of {len(runs)} divisions of the patients, load {os.getloadavg()[0]:.1f}"
    )
    for heading in ("", "new AUC", "old AUC", "new accuracy", "old accuracy", "seconds a round"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in CONTENDERS:
        at = [_mean(runs, name, field) for field in ("new_auc", "old_auc", "new_accuracy", "old_accuracy")]
        table.add_row(name, *(f"{value:.3f}" for value in at), f"{_slowest(runs, name):.2f}")
    Console().print(table)
    start = _mean(runs, BASE, "new_auc")
    possible = _mean(runs, CEILING, "new_auc") - start
    figures, kept = [], False
    for name, short in ((REPLAY, "replay"), (DISTILLED, "distilled"), (PROTECTED, "protected")):
        share = (_mean(runs, name, "new_auc") - start) / possible if possible > 0 else float("nan")
        lost = _mean(runs, BASE, "old_auc") - _mean(runs, name, "old_auc")
        figures += [f"{short}_gain_of_ceiling={share:.0%}", f"{short}_old_auc_lost={lost:+.3f}"]
        if name == DISTILLED:
            kept = share >= ASKED_SHARE and lost <= ASKED_LOSS and _slowest(runs, name) < ASKED_SECONDS
    naive = _mean(runs, BASE, "old_auc") - _mean(runs, CONTENDERS[1], "old_auc")
    figures += [
        f"naive_old_auc_lost={naive:+.3f}",
        f"ceiling_new_auc_gain={possible:+.3f}",
        f"slowest_round_s={_slowest(runs, PROTECTED):.2f}",
        f"divisions={len(runs)}",
        f"settings={'chosen_on_other_divisions_of_the_same_patients' if chosen else 'being_chosen_on_these'}",
        f"plot={output.name}/continual.svg",
    ]
    sys.stdout.write(f"bench-continual: {'ok' if kept else 'BELOW WHAT IS ASKED'} {' '.join(figures)}\n")
    return 0 if kept else 1


def _mean(runs: Runs, name: str, field: str) -> float:
    return float(np.mean([getattr(run[name][-1], field) for run in runs]))


def _slowest(runs: Runs, name: str) -> float:
    return max(point.seconds for run in runs for point in run[name])


if __name__ == "__main__":
    sys.exit(main())
