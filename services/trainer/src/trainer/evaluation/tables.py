"""Tables in Markdown."""

from typing import Final

from ictus.model.manifest import Metric
from trainer.evaluation.bootstrap import Interval
from trainer.evaluation.comparison import Comparison, TestedDifference
from trainer.evaluation.leak import LeakReport
from trainer.evaluation.metrics import LEVELS

_SHOWN: Final = (
    ("roc_auc", "ROC-AUC"),
    ("pr_auc", "PR-AUC"),
    ("sensitivity_ruling_out", "Sensitivity of ruling out"),
    ("specificity_ruling_out", "Specificity of ruling out"),
    ("brier", "Brier"),
)


def comparison_table(comparison: Comparison) -> str:
    """Figures of each contender, then how far the reference is above each, with p-values."""
    c = comparison
    parts = [
        f"{c.slices:,} slices of {c.patients} patients, {c.folds} folds by patient, seed {c.seed}; 95 % intervals from "
        f"{c.resamples:,} resamples of patients."
    ]
    for level in LEVELS:
        head = ["contender", *(title for _, title in _SHOWN)]
        rows = []
        for contender in c.contenders:
            found = {m.name: m for m in contender.metrics if m.level == level}
            rows.append([contender.title, *(_metric(found.get(name)) for name, _ in _SHOWN)])
        parts.append(f"## {level.capitalize()} level\n\n{_table(head, rows)}")
        tested = [d for d in c.differences if d.difference.level == level]
        parts.append(
            f"The hybrid above each other, with p-values (adjusted by Holm):\n\n{_differences(c, tested)}"
        )
    return "\n\n".join(parts) + "\n"


def leak_table(report: LeakReport) -> str:
    """One line for each protocol."""
    rows = [
        [
            row.labels,
            row.split,
            _interval(row.hybrid_accuracy),
            _interval(row.neighbour_accuracy),
            f"{row.always_normal:.3f}",
            _interval(row.hybrid_roc_auc),
        ]
        for row in report.rows
    ]
    head = [
        "labels", "split", "accuracy, hybrid", "accuracy, most similar slice", "accuracy, always normal", "ROC-AUC, hybrid",
    ]  # fmt: skip
    return _table(head, rows) + "\n"


def _differences(comparison: Comparison, tested: list[TestedDifference]) -> str:
    names = list(dict.fromkeys(d.difference.name for d in tested))
    titles = {c.name: c.title for c in comparison.contenders}
    by_contender: dict[str, list[str]] = {}
    for d in tested:
        found = d.difference
        by_contender.setdefault(d.contender, []).append(
            f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}), p {_p(found.p)} ({_p(d.p_adjusted)})"
        )
    return _table(["against", *names], [[titles[name], *cells] for name, cells in by_contender.items()])


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _metric(metric: Metric | None) -> str:
    return "-" if metric is None else _figure(metric.value, metric.low, metric.high)


def _interval(found: Interval) -> str:
    return "-" if found.value is None else _figure(found.value, found.low, found.high)


def _figure(value: float, low: float | None, high: float | None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
