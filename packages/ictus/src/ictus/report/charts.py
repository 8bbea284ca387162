"""The slice-probability chart, drawn with Matplotlib's Agg canvas and no global figure or style state."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ictus.contracts.prediction import DecisionThresholds, SeriesPrediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS_PER_INCH: Final = 200
WIDE: Final = (7.2, 2.0)
"""Inches of a chart across an A4 page."""
NARROW: Final = (3.6, 2.2)
"""Inches of a chart across a telephone, where a wide one's labels would be too small to read."""


@dataclass(frozen=True, slots=True)
class ChartColours:
    """The colours of one background; text and lines keep 4.5:1 and 3:1 contrast (WCAG 1.4.3, 1.4.11)."""

    background: str
    text: str
    grid: str
    bar: str
    key_bar: str
    line: str


ON_LIGHT: Final = ChartColours("#ffffff", "#3a4654", "#e1e6ec", "#9fb3c8", "#1f5f99", "#b3541e")
ON_DARK: Final = ChartColours("#18212b", "#c3ced9", "#2c3845", "#52687e", "#6cb2f0", "#f0a267")


def slice_probability_chart(
    series: SeriesPrediction,
    thresholds: DecisionThresholds | None,
    colours: ChartColours = ON_LIGHT,
    size: tuple[float, float] = WIDE,
) -> bytes:
    """Draw one series' calibrated probabilities as bars, the key slices darker, the thresholds dashed.

    Args:
        series: the series; a slice with no probability leaves a gap.
        thresholds: drawn and labelled when given.
        colours: of the background that the chart will stand on.
        size: width and height in inches, at ``PIXELS_PER_INCH``.

    Returns:
        PNG; the same input gives the same bytes.
    """
    # Most processes that know of reports draw none, and Matplotlib is a second's work to import.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415

    figure = Figure(figsize=size, dpi=PIXELS_PER_INCH, facecolor=colours.background, layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor(colours.background)

    drawn = [(s.index + 1, s.stroke_probability) for s in series.slices if s.stroke_probability is not None]
    key = np.array([number - 1 in series.key_slices for number, _ in drawn], dtype=bool)
    numbers = np.array([number for number, _ in drawn], dtype=float)
    heights = np.array([probability for _, probability in drawn], dtype=float)
    width = 0.82 if len(series.slices) < 120 else 1.0
    axes.bar(numbers[~key], heights[~key], width, color=colours.bar, label="slice")
    axes.bar(numbers[key], heights[key], width, color=colours.key_bar, label="key slice")

    if thresholds is not None:
        _draw_threshold(axes, thresholds.stroke_at_least, "stroke from", "bottom", colours)
        _draw_threshold(axes, thresholds.normal_at_most, "normal up to", "top", colours)

    last = max(s.index for s in series.slices) + 1
    axes.set_xlim(0.3, last + 0.7)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol="\u00a0%"))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=round(size[0] * 1.7), integer=True, min_n_ticks=1))
    axes.set_xlabel("Slice", color=colours.text, fontsize=8)
    axes.set_ylabel("Probability", color=colours.text, fontsize=8)
    axes.tick_params(colors=colours.text, labelsize=8, length=0)
    axes.grid(axis="y", color=colours.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(colours.grid)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=8, labelcolor=colours.text,
        borderaxespad=0.2, handlelength=1.0, handleheight=0.8,
    )  # fmt: skip

    FigureCanvasAgg(figure)  # the canvas that savefig draws on; without one it would ask pyplot's backend
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _draw_threshold(
    axes: "Axes", at: float, label: str, side: Literal["top", "bottom"], colours: ChartColours
) -> None:
    """Draw one threshold; its label stands above or below it, so that two close ones do not collide."""
    axes.axhline(at, color=colours.line, linewidth=1.1, linestyle=(0, (5, 3)))
    axes.text(
        1.012, at, f"{label}\n{at * 100:.0f}\u00a0%", transform=axes.get_yaxis_transform(), color=colours.line,
        fontsize=8, va=side, linespacing=1.1,
    )  # fmt: skip
