"""The PDF's typefaces: DejaVu Sans, which Matplotlib ships, embedded; and names in other scripts made readable.

DejaVu covers Latin, Greek, Cyrillic, Hebrew, Arabic and more. ReportLab draws characters from left to right
as given, so right-to-left text is brought into visual order and Arabic letters into their joined forms
first. Chinese, Japanese and Korean use the Adobe CJK fonts that PDF viewers supply (not embedded).
"""

import re
from functools import cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import arabic_reshaper
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

SANS: Final = "IctusSans"
BOLD: Final = "IctusSans-Bold"

_FILES: Final = {SANS: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf"}
_CHINESE: Final = "STSong-Light"
_JAPANESE: Final = "HeiseiKakuGo-W5"
_KOREAN: Final = "HYGothic-Medium"

_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_HANGUL: Final = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")
_CJK_RUN: Final = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+")


@cache
def register_fonts() -> None:
    """Make the fonts known to ReportLab, once for each process."""
    import matplotlib  # noqa: PLC0415  only where a PDF is made: it is a second's work

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, folder / file))
    pdfmetrics.registerFontFamily(SANS, normal=SANS, bold=BOLD, italic=SANS, boldItalic=BOLD)
    for name in (_CHINESE, _JAPANESE, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def visual(text: str) -> str:
    """The text in the order and shapes that it is drawn in; unchanged unless it holds right-to-left letters.

    Its spaces then do not break: a line break would put the end of the text above its beginning.
    """
    if not _RIGHT_TO_LEFT.search(text):
        return text
    return str(get_display(arabic_reshaper.reshape(text))).replace(" ", "\u00a0")


def markup(text: str) -> str:
    """Plain text as ReportLab paragraph markup: escaped, in visual order, CJK runs in a font that has them."""
    if _KANA.search(text):
        font = _JAPANESE
    elif _HANGUL.search(text):
        font = _KOREAN
    else:
        font = _CHINESE
    return _CJK_RUN.sub(lambda run: f'<font name="{font}">{run.group()}</font>', escape(visual(text)))
