"""How the PDF looks: its colours, paragraph styles and the probability gauge."""

from dataclasses import dataclass
from typing import Final

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ictus.contracts.prediction import DecisionThresholds
from ictus.report.fonts import BOLD, SANS
from ictus.report.wording import Tone

WIDTH: Final = A4[0] - 34 * mm
"""Between the margins of a page."""
ALL: Final = ((0, 0), (-1, -1))
"""Every cell of a table."""
FLUSH: Final = (
    ("VALIGN", *ALL, "TOP"),
    *((f"{edge}PADDING", *ALL, 0) for edge in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
)
"""Cells without ReportLab's default padding, read from their top."""

BRAND: Final = HexColor("#12324f")
INK: Final = HexColor("#1b2733")
SOFT: Final = HexColor("#4a5866")
RULE: Final = HexColor("#d9dfe6")
ZONE_NORMAL: Final = HexColor("#8fc3ca")
ZONE_DOUBT: Final = HexColor("#ecc98f")
ZONE_STROKE: Final = HexColor("#dd9a94")


@dataclass(frozen=True, slots=True)
class ToneColours:
    """Bar and background of the result box."""

    colour: Color
    wash: Color


TONES: Final = {
    Tone.ALERT: ToneColours(HexColor("#a61b1b"), HexColor("#fdf1f0")),
    Tone.CLEAR: ToneColours(HexColor("#0f5f6b"), HexColor("#eef7f8")),
    Tone.DOUBT: ToneColours(HexColor("#8a5200"), HexColor("#fdf6ea")),
    Tone.NONE: ToneColours(HexColor("#46525e"), HexColor("#f2f4f6")),
}


class Styles:
    """The paragraph styles. ``splitLongWords`` lets an endless word wrap instead of leaving the page."""

    def __init__(self) -> None:
        self.body = ParagraphStyle(
            "body", fontName=SANS, fontSize=9, leading=12.6, textColor=INK, splitLongWords=1
        )
        self.cell = ParagraphStyle("cell", self.body, fontSize=8.5, leading=11.5)
        self.fine = ParagraphStyle("fine", self.body, fontSize=8, leading=11.5, textColor=SOFT, spaceBefore=2)
        self.term = ParagraphStyle("term", self.body, textColor=SOFT)
        self.running_head = ParagraphStyle("running_head", self.fine, alignment=TA_RIGHT)
        self.caption = ParagraphStyle("caption", self.body, fontSize=8, leading=11, spaceBefore=2)
        self.title = ParagraphStyle(
            "title", self.body, fontName=BOLD, fontSize=17, leading=21, textColor=BRAND
        )
        self.status = ParagraphStyle(
            "status",
            self.body,
            fontSize=8,
            leading=11,
            alignment=TA_CENTER,
            textColor=TONES[Tone.DOUBT].colour,
        )
        self.heading = ParagraphStyle(
            "heading",
            self.body,
            fontName=BOLD,
            fontSize=11,
            leading=14,
            textColor=BRAND,
            spaceBefore=9,
            spaceAfter=4,
        )
        self.subheading = ParagraphStyle(
            "subheading", self.body, fontName=BOLD, fontSize=9, spaceBefore=6, spaceAfter=1
        )
        self.headline = ParagraphStyle(
            "headline", self.body, fontName=BOLD, fontSize=14, leading=18.5, spaceBefore=1, spaceAfter=3
        )
        self.number = ParagraphStyle("number", self.body, leading=20, spaceBefore=5)
        self.urgency = ParagraphStyle("urgency", self.body, fontName=BOLD, textColor=BRAND)
        self.step = ParagraphStyle("step", self.body, leftIndent=9, bulletIndent=0)

    def disposition(self, colour: Color) -> ParagraphStyle:
        """The line above the headline, in the result's colour."""
        return ParagraphStyle("disposition", self.body, fontName=BOLD, textColor=colour)


class Gauge(Flowable):
    """The probability on a line of 0 to 100 %, with the zones that the thresholds make."""

    _HEIGHT = 20.0
    _BAR_BOTTOM = 4.0
    _BAR_HEIGHT = 6.5

    def __init__(self, probability: float, thresholds: DecisionThresholds | None, width: float) -> None:
        super().__init__()
        self.width, self.height = width, self._HEIGHT
        self._probability = probability
        self._thresholds = thresholds

    def wrap(self, _available_width: float, _available_height: float) -> tuple[float, float]:
        """The space it takes, in points."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw at the canvas's present origin."""
        canvas = self.canv
        for start, end, colour in self._zones():
            canvas.setFillColor(colour)
            canvas.rect(
                start * self.width, self._BAR_BOTTOM, (end - start) * self.width, self._BAR_HEIGHT, 0, 1
            )
        at = self._probability * self.width
        top = self._BAR_BOTTOM + self._BAR_HEIGHT
        canvas.setFillColor(INK)
        canvas.rect(at - 0.7, self._BAR_BOTTOM - 2, 1.4, self._BAR_HEIGHT + 4, 0, 1)
        needle = canvas.beginPath()
        needle.moveTo(at, top + 1)
        needle.lineTo(at - 4, top + 7.5)
        needle.lineTo(at + 4, top + 7.5)
        needle.close()
        canvas.drawPath(needle, 0, 1)

    def _zones(self) -> list[tuple[float, float, Color]]:
        if self._thresholds is None:
            return [(0, 1, RULE)]
        low, high = self._thresholds.normal_at_most, self._thresholds.stroke_at_least
        return [(0, low, ZONE_NORMAL), (low, high, ZONE_DOUBT), (high, 1, ZONE_STROKE)]
