"""Charts of an evaluation, each drawn by one function in one style, saved as SVG and PNG.

Bands and bars are 95 % intervals of the patient bootstrap. The same input gives the same bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ictus.model.manifest import Metric
from trainer.calibrate import Judged
from trainer.evaluation import weighted
from trainer.evaluation.bootstrap import interval, patient_weights, whole
from trainer.evaluation.comparison import Comparison, LearningPoint
from trainer.evaluation.metrics import LEVELS, Level
from trainer.evaluation.operating import Confusion
from trainer.evaluation.report import EvaluationReport
from trainer.evaluation.robustness import RobustnessRow
from trainer.evaluation.subgroups import SubgroupRow

Float64 = NDArray[np.float64]
Curve = Callable[[Float64, NDArray[np.bool_], Float64], tuple[Float64, Float64]]

_INK: Final = "#1f5f99"
_OTHER: Final = "#b3541e"
_GREY: Final = "#7a8794"
_SIDE: Final = 3.6
"""Inches of one square chart."""
_DOTS: Final = 160
_BAND_RESAMPLES: Final = 300
_GRID: Final = np.linspace(0, 1, 101)
_BINS: Final = 10
_LEVEL_NAMES: Final[dict[Level, str]] = {"slice": "Slices", "study": "Studies (patients)"}


def draw_evaluation(
    report: EvaluationReport, judged: Mapping[Level, Judged], folder: Path
) -> tuple[Path, ...]:
    """Every chart of one model's evaluation; a chart of both levels has one panel for each.

    Args:
        report: the figures.
        judged: the predictions behind them.
        folder: made when absent; files of the same name are replaced.

    Returns:
        The files.
    """
    drawn: dict[str, Callable[[], Figure]] = {
        "confusion": _panels(
            lambda axes, level: draw_confusion(axes, _of_level(report, level)),
        ),
        "roc": _panels(lambda axes, level: draw_roc(axes, judged[level], report.seed)),
        "precision-recall": _panels(
            lambda axes, level: draw_precision_recall(axes, judged[level], report.seed)
        ),
        "reliability": _panels(lambda axes, level: draw_reliability(axes, judged[level], report.seed)),
        "trade-off": _panels(lambda axes, level: draw_trade_off(axes, judged[level])),
    }
    if report.subgroups:
        drawn["subgroups"] = _one(lambda axes: draw_subgroups(axes, report.subgroups), len(report.subgroups))
    if report.robustness:
        drawn["robustness"] = _one(
            lambda axes: draw_robustness(axes, report.robustness), len(report.robustness)
        )
    return tuple(file for name, figure in drawn.items() for file in save(figure, folder, name))


def draw_comparison_set(comparison: Comparison, folder: Path) -> tuple[Path, ...]:
    """The charts of a comparison: all contenders, and the reference's learning curve when it was made."""
    rows = len(comparison.contenders) * 2
    files = save(_one(lambda axes: draw_comparison(axes, comparison), rows), folder, "comparison")
    if points := comparison.learning_curve:
        files += save(_one(lambda axes: draw_learning_curve(axes, points), 0), folder, "learning-curve")
    return files


def save(figure: Callable[[], Figure], folder: Path, name: str) -> tuple[Path, ...]:
    """Draw in the shared style and write ``name.svg`` and ``name.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with _style():
        made = figure()
        FigureCanvasAgg(made)
        made.savefig(svg, metadata={"Date": None, "Creator": None})
        made.savefig(png, dpi=_DOTS, metadata={"Software": None})
    return svg, png


def draw_confusion(axes: Axes, counts: Confusion) -> None:
    """Truth against call at even odds, as counts and as shares of the truth."""
    table = np.array(
        [[counts.true_negative, counts.false_positive], [counts.false_negative, counts.true_positive]]
    )
    shares = table / table.sum(axis=1, keepdims=True)
    text = [[f"{n}\n{s:.0%}" for n, s in zip(*rows, strict=True)] for rows in zip(table, shares, strict=True)]
    names = ["normal", "stroke"]
    sns.heatmap(
        shares, annot=np.array(text), fmt="", vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=axes,
        xticklabels=names, yticklabels=names, linewidths=1,
    )  # fmt: skip
    axes.set(xlabel="called at even odds", ylabel="truth")


def draw_roc(axes: Axes, judged: Judged, seed: int) -> None:
    """Sensitivity against 1 - specificity."""
    area = _with_interval(weighted.roc_auc, judged, seed)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle=":")
    _draw_curve(axes, weighted.roc_curve, judged, seed, f"AUC {area}")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    axes.legend(loc="lower right")


def draw_precision_recall(axes: Axes, judged: Judged, seed: int) -> None:
    """Precision against sensitivity; the dotted line is the share of strokes."""
    area = _with_interval(weighted.pr_auc, judged, seed)
    axes.axhline(float(judged.label.mean()), color=_GREY, linewidth=0.8, linestyle=":")
    _draw_curve(axes, weighted.precision_recall_curve, judged, seed, f"AUC {area}")
    axes.set(xlabel="sensitivity (recall)", ylabel="precision")
    axes.legend(loc="lower left")


def draw_reliability(axes: Axes, judged: Judged, seed: int) -> None:
    """Observed share against predicted probability, in bins of equal size."""
    weights = patient_weights(judged.patient, judged.label, seed, _BAND_RESAMPLES)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle=":")
    order = np.argsort(judged.probability, kind="stable")
    for part in np.array_split(order, min(_BINS, len(order))):
        inside = np.zeros(len(order), dtype=np.bool_)
        inside[part] = True
        predicted, observed = judged.probability[part].mean(), judged.label[part].mean()
        found = interval(float(observed), weighted.share(judged.label, inside, weights))
        if found.low is not None and found.high is not None:
            axes.plot([predicted, predicted], [found.low, found.high], color=_INK, alpha=0.5)
        axes.plot(predicted, observed, marker="o", markersize=4, color=_INK)
    axes.set(xlabel="predicted probability", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))


def draw_trade_off(axes: Axes, judged: Judged) -> None:
    """Sensitivity and specificity at every threshold, and the mean limits of a confident answer."""
    thresholds = np.unique(np.concatenate([[0.0], judged.probability, [1.0]]))
    stroke, normal = np.sort(judged.probability[judged.label]), np.sort(judged.probability[~judged.label])
    sensitivity = 1 - np.searchsorted(stroke, thresholds, side="left") / len(stroke)
    specificity = np.searchsorted(normal, thresholds, side="left") / len(normal)
    axes.step(thresholds, sensitivity, where="pre", color=_INK, label="sensitivity")
    axes.step(thresholds, specificity, where="pre", color=_OTHER, label="specificity")
    for limit, name in ((judged.normal_at_most, "normal up to"), (judged.stroke_at_least, "stroke from")):
        axes.axvline(float(limit.mean()), color=_GREY, linewidth=0.8, linestyle="--")
        axes.text(float(limit.mean()), 0.02, f" {name}", rotation=90, fontsize=7, color=_GREY, va="bottom")
    axes.set(xlabel="threshold", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="center right", frameon=True)


def draw_learning_curve(axes: Axes, points: Sequence[LearningPoint]) -> None:
    """ROC-AUC against how many patients were learned from."""
    patients = [p.patients for p in points]
    axes.plot(patients, [p.training for p in points], color=_GREY, marker="o", markersize=3, label="training")
    value, low, high = np.array(
        [(p.held_out.value, p.held_out.low, p.held_out.high) for p in points], dtype=np.float64
    ).T
    axes.plot(patients, value, color=_INK, marker="o", markersize=3, label="held-out patients")
    axes.fill_between(patients, low, high, color=_INK, alpha=0.15, linewidth=0)
    axes.set(xlabel="patients learned from", ylabel="ROC-AUC, slices")
    axes.legend(loc="lower right")


def draw_comparison(axes: Axes, comparison: Comparison) -> None:
    """Each contender's ROC-AUC at both levels."""
    rows = [
        (c.title, [m for m in c.metrics if m.name == "roc_auc"], c.name == comparison.reference)
        for c in comparison.contenders
    ]
    _draw_forest(axes, [(title, metrics) for title, metrics, _ in rows])
    for label, (_, _, is_reference) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if is_reference else "normal")
    axes.set_xlabel("ROC-AUC")


def draw_subgroups(axes: Axes, rows: Sequence[SubgroupRow]) -> None:
    """Each group's ROC-AUC."""
    named: dict[str, list[Metric]] = {}
    for row in rows:
        title = f"{row.attribute}: {row.group}"
        named.setdefault(title, []).extend(m for m in row.metrics if m.name == "roc_auc")
    _draw_forest(axes, list(named.items()))
    axes.set_xlabel("ROC-AUC")


def draw_robustness(axes: Axes, rows: Sequence[RobustnessRow]) -> None:
    """The ROC-AUC under each change."""
    _draw_forest(
        axes,
        [(f"{r.family} {r.strength}".strip(), [m for m in r.metrics if m.name == "roc_auc"]) for r in rows],
    )
    axes.set_xlabel("ROC-AUC")


def _draw_forest(axes: Axes, rows: Sequence[tuple[str, Sequence[Metric]]]) -> None:
    """One line for each name, first on top, with a point and a bar for each level."""
    colours, offsets = {"slice": _INK, "study": _OTHER}, {"slice": -0.12, "study": 0.12}
    for position, (_, metrics) in enumerate(rows):
        for m in metrics:
            at = position + offsets[m.level]
            if m.low is not None and m.high is not None:
                axes.plot([m.low, m.high], [at, at], color=colours[m.level], alpha=0.5)
            axes.plot(m.value, at, marker="o", markersize=4, color=colours[m.level], linestyle="none")
    axes.set_yticks(range(len(rows)), [title for title, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for level in LEVELS:
        axes.plot([], [], marker="o", markersize=4, color=colours[level], label=_LEVEL_NAMES[level])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)


def _draw_curve(axes: Axes, curve: Curve, judged: Judged, seed: int, label: str) -> None:
    """A curve in the unit square with its band: of every resample, read off at the same places."""
    x, y = curve(judged.probability, judged.label, whole(len(judged.label)))
    axes.plot(x[0], y[0], color=_INK, label=label)
    weights = patient_weights(judged.patient, judged.label, seed, _BAND_RESAMPLES)
    resampled = curve(judged.probability, judged.label, weights)
    read = np.array([np.interp(_GRID, *pair) for pair in zip(*resampled, strict=True)])
    low, high = np.percentile(read, [2.5, 97.5], axis=0)
    axes.fill_between(_GRID, low, high, color=_INK, alpha=0.15, linewidth=0)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def _with_interval(
    figure: Callable[[Float64, NDArray[np.bool_], Float64], Float64], judged: Judged, seed: int
) -> str:
    weights = patient_weights(judged.patient, judged.label, seed)
    value = float(figure(judged.probability, judged.label, whole(len(judged.label)))[0])
    found = interval(value, figure(judged.probability, judged.label, weights))
    return f"{value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _of_level(report: EvaluationReport, level: Level) -> Confusion:
    return next(found.confusion for found in report.levels if found.level == level)


def _panels(draw: Callable[[Axes, Level], None]) -> Callable[[], Figure]:
    """A figure with one square panel for each level."""

    def figure() -> Figure:
        made = Figure(figsize=(_SIDE * len(LEVELS), _SIDE), layout="constrained")
        for axes, level in zip(made.subplots(1, len(LEVELS)), LEVELS, strict=True):
            draw(axes, level)
            axes.set_title(_LEVEL_NAMES[level])
        return made

    return figure


def _one(draw: Callable[[Axes], None], rows: int) -> Callable[[], Figure]:
    """A figure of one panel that is as high as its rows need."""

    def figure() -> Figure:
        made = Figure(figsize=(_SIDE * 2, max(_SIDE * 0.7, 0.28 * rows + 1)), layout="constrained")
        draw(made.subplots())
        return made

    return figure


@contextmanager
def _style() -> Iterator[None]:
    """The look of every chart, for as long as it is drawn and saved."""
    ours = mpl.RcParams(
        {
            "font.size": 9,
            "axes.titlesize": 10,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "svg.hashsalt": "ictus",
            "svg.fonttype": "none",
        }
    )
    with sns.axes_style("whitegrid"), mpl.rc_context(ours):
        yield
