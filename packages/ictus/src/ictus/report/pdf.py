"""The report as a PDF: A4, ReportLab, fonts embedded, and the same bytes for the same report."""

from functools import partial
from io import BytesIO
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from ictus.report import wording
from ictus.report.fonts import BOLD, SANS, markup, register_fonts
from ictus.report.model import StudyReport
from ictus.report.pdf_sections import story
from ictus.report.pdf_style import BRAND, INK, RULE, SOFT, WIDTH, Styles

_MARGIN: Final = (A4[0] - WIDTH) / 2
_TOP: Final = 22 * mm
_BOTTOM: Final = 20 * mm


def render_pdf(report: StudyReport) -> bytes:
    """Render the PDF. The same report gives the same bytes, so a digest of them identifies the document."""
    register_fonts()
    pages = _build(report, pages=None)[1]
    return _build(report, pages=pages)[0]


def _build(report: StudyReport, pages: int | None) -> tuple[bytes, int]:
    """Lay the report out; ``pages`` is what "of n" says, known only after a first time."""
    out = BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_TOP,
        bottomMargin=_BOTTOM,
        title=f"{wording.TITLE}, study {report.labels.study_id}",
        author=f"Ictus {report.result.model_version}",
        subject=wording.status_note(report),
        creator="Ictus",
        keywords=[report.labels.modality.value, report.result.disposition.value, report.status.value],
        displayDocTitle=True,
        lang="en",
        invariant=1,
    )
    frame = Frame(_MARGIN, _BOTTOM, WIDTH, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0, id="body")
    styles = Styles()
    furniture = partial(_page_furniture, report, styles, pages)
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=furniture)])
    document.build(story(report, styles))
    return out.getvalue(), document.page


def _page_furniture(
    report: StudyReport, styles: Styles, pages: int | None, canvas: Canvas, document: BaseDocTemplate
) -> None:
    """Head and foot of every page: a loose page still says whose it is, and what it is worth."""
    canvas.saveState()
    top = A4[1] - 12 * mm
    canvas.setFillColor(BRAND)
    canvas.setFont(BOLD, 10)
    canvas.drawString(_MARGIN, top, "ICTUS", charSpace=1.4)
    running_head = Paragraph(_running_head(report), styles.running_head)
    running_head.wrapOn(canvas, WIDTH - 24 * mm, 10 * mm)
    running_head.drawOn(canvas, _MARGIN + 24 * mm, top - 1 * mm)
    canvas.setStrokeColor(BRAND)
    canvas.setLineWidth(1.2)
    canvas.line(_MARGIN, top - 3.2 * mm, _MARGIN + WIDTH, top - 3.2 * mm)

    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(_MARGIN, 15 * mm, _MARGIN + WIDTH, 15 * mm)
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 7.5)
    canvas.drawString(_MARGIN, 11 * mm, wording.FOOTER)
    canvas.setFillColor(SOFT)
    canvas.setFont(SANS, 7.5)
    canvas.drawString(
        _MARGIN,
        7.5 * mm,
        f"{wording.STATUSES[report.status]}, AI-assisted. Model {report.result.model_version}",
    )
    page = f"Page {document.page} of {pages}" if pages else f"Page {document.page}"
    canvas.drawRightString(_MARGIN + WIDTH, 11 * mm, page)
    canvas.restoreState()


def _running_head(report: StudyReport) -> str:
    patient = report.patient
    named = [part for part in (patient.name, patient.patient_id) if part] if patient else []
    shown = [*(_shortened(part, 34) for part in named), f"Study {str(report.labels.study_id)[:8]}"]
    return "  ·  ".join(markup(part) for part in shown)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
