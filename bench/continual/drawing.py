"""The plot and the table of every round."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.continual.contenders import BASE, CEILING, CONTENDERS, DISTILLED, NAIVE, PROTECTED, REPLAY, Point

_COLOURS = {
    BASE: "#7a8794",
    NAIVE: "#b3541e",
    REPLAY: "#6aa5d8",
    DISTILLED: "#1f5f99",
    PROTECTED: "#2f8f6b",
    CEILING: "#2b2b2b",
}
_PANELS = (("new_auc", "New scanner: what is learned"), ("old_auc", "Old scanner: what is forgotten"))


def draw(runs: Sequence[Mapping[str, list[Point]]], folder: Path) -> None:
    """Write ``continual.svg``, ``continual.png`` and ``continual.csv``: means over the divisions of the patients."""
    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (field, title) in zip(panels, _PANELS, strict=True):
        for name in CONTENDERS:
            curves = np.array([[getattr(point, field) for point in run[name]] for run in runs])
            style = "--" if name in {BASE, CEILING} else "-"
            axes.plot(curves.mean(axis=0), style, color=_COLOURS[name], label=name, linewidth=1.8)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("round")
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("ROC-AUC of slices")
    panels[1].legend(fontsize=8, loc="lower left")
    for kind in ("svg", "png"):
        figure.savefig(folder / f"continual.{kind}", dpi=150)
    fields = ("old_auc", "new_auc", "old_accuracy", "new_accuracy", "seconds")
    with (folder / "continual.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["contender", "round", *fields])
        for name in CONTENDERS:
            for number in range(len(runs[0][name])):
                means = [float(np.mean([getattr(run[name][number], f) for run in runs])) for f in fields]
                table.writerow([name, number, *(f"{value:.4f}" for value in means)])
