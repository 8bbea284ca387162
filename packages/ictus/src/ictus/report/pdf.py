"""The report as a PDF: A4, ReportLab, fonts embedded, and the same bytes for the same report."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from ictus.report import charts, wording
from ictus.report.fonts import BOLD, SANS, markup, register_fonts, visual
from ictus.report.model import KeySlice, StudyReport
from ictus.report.pdf_style import BRAND, INK, RULE, SOFT, TONES, Gauge, Styles

_MARGIN: Final = 17 * mm
_WIDTH: Final = A4[0] - 2 * _MARGIN
_TOP: Final = 25 * mm
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
        subject=wording.STATUS_NOTE,
        creator="Ictus",
        keywords=[report.labels.modality.value, report.result.disposition.value, "preliminary"],
        displayDocTitle=True,
        lang="en",
        invariant=1,
    )
    frame = Frame(_MARGIN, _BOTTOM, _WIDTH, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0, id="body")
    furniture = partial(_page_furniture, report, pages)
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=furniture)])
    document.build(_story(report, Styles()))
    return out.getvalue(), document.page


def _page_furniture(
    report: StudyReport, pages: int | None, canvas: Canvas, document: BaseDocTemplate
) -> None:
    """Head and foot of every page: a loose page still says whose it is, and that it is preliminary."""
    canvas.saveState()
    top = A4[1] - 12 * mm
    canvas.setFillColor(BRAND)
    canvas.setFont(BOLD, 10)
    canvas.drawString(_MARGIN, top, "ICTUS", charSpace=1.4)
    canvas.setFillColor(SOFT)
    canvas.setFont(SANS, 8)
    canvas.drawRightString(_MARGIN + _WIDTH, top, _running_head(report))
    canvas.setStrokeColor(BRAND)
    canvas.setLineWidth(1.2)
    canvas.line(_MARGIN, top - 3.2 * mm, _MARGIN + _WIDTH, top - 3.2 * mm)

    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(_MARGIN, 15 * mm, _MARGIN + _WIDTH, 15 * mm)
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 7.5)
    canvas.drawString(_MARGIN, 11 * mm, wording.FOOTER)
    canvas.setFillColor(SOFT)
    canvas.setFont(SANS, 7.5)
    canvas.drawString(_MARGIN, 7.5 * mm, f"Preliminary, AI-assisted. Model {report.result.model_version}")
    page = f"Page {document.page} of {pages}" if pages else f"Page {document.page}"
    canvas.drawRightString(_MARGIN + _WIDTH, 11 * mm, page)
    canvas.restoreState()


def _running_head(report: StudyReport) -> str:
    patient = report.patient
    named = [visual(part)[:60] for part in (patient.name, patient.patient_id) if part] if patient else []
    return "  ·  ".join([*named, f"Study {report.labels.study_id}"])


def _story(report: StudyReport, styles: Styles) -> list[Flowable]:
    return [
        _heading(styles),
        Spacer(0, 3 * mm),
        _labels(report, styles),
        Spacer(0, 4 * mm),
        _result(report, styles),
        *_next_steps(report, styles),
        *_key_slices(report, styles),
        *_chart(report, styles),
        *_series(report, styles),
        *_model(report, styles),
    ]


def _heading(styles: Styles) -> Flowable:
    status = Paragraph(f"<b>{wording.STATUS.upper()}</b><br/>AI-assisted, not yet read", styles.status)
    table = Table([[Paragraph(wording.TITLE, styles.title), status]], [_WIDTH - 46 * mm, 46 * mm])
    table.setStyle(
        TableStyle(
            [
                ("LEFTPADDING", (0, 0), (0, 0), 0),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("BOX", (1, 0), (1, 0), 0.9, TONES[wording.Tone.DOUBT].colour),
                ("ROUNDEDCORNERS", [0, 0, 0, 0]),
            ]
        )
    )
    return table


def _labels(report: StudyReport, styles: Styles) -> Flowable:
    labels = report.labels
    scan = wording.MODALITIES[labels.modality] + (f", {labels.description}" if labels.description else "")
    study = [
        ("Study", str(labels.study_id)),
        ("Scan", scan),
        *([("Site", labels.site_name)] if labels.site_name else []),
        ("Received", wording.moment(labels.received_at)),
        ("Analysed", wording.moment(labels.analysed_at)),
    ]
    columns = [study]
    if (patient := report.patient) is not None:
        columns.insert(
            0,
            [
                ("Patient", patient.name or "not given"),
                ("Patient ID", patient.patient_id or "not given"),
                ("Born", patient.birth_date or "not given"),
                ("Sex", patient.sex or "not given"),
            ],
        )
    width = _WIDTH / len(columns)
    table = Table(
        [[_definitions(rows, styles, width - 3 * mm, 20 * mm) for rows in columns]], [width] * len(columns)
    )
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3 * mm),
                ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
            ]
        )
    )
    return table


def _definitions(rows: Sequence[tuple[str, str]], styles: Styles, width: float, name_width: float) -> Table:
    table = Table(
        [
            [Paragraph(markup(name), styles.term), Paragraph(markup(value), styles.body)]
            for name, value in rows
        ],
        [name_width, width - name_width],
    )
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
            ]
        )
    )
    return table


def _result(report: StudyReport, styles: Styles) -> Flowable:
    """The coloured box with the answer; it may split over pages when the words are long."""
    tone = TONES[wording.tone(report)]
    inner = _WIDTH - 12 * mm
    rows: list[Flowable] = [
        Paragraph(wording.DISPOSITIONS[report.result.disposition], styles.disposition(tone.colour)),
        Paragraph(markup(report.result.finding_text), styles.headline),
        Paragraph(markup(report.result.reason), styles.body),
    ]
    if (probability := report.probability) is not None:
        looked_for = markup(report.result.looked_for)
        number = f'<font name="{BOLD}" size="15" color="#{tone.colour.hexval()[2:]}">{wording.percent(probability)}</font>'
        rows.append(Paragraph(f"{number}  probability of {looked_for}", styles.number))
        rows.append(Gauge(probability, report.result.thresholds, inner * 0.72))
        if (limits := wording.thresholds(report)) is not None:
            rows.append(Paragraph(limits, styles.fine))
    rows.append(Paragraph("What this means", styles.subheading))
    first, *others = wording.confidence(report)
    rows.append(Paragraph(markup(first), styles.body))
    rows.extend(Paragraph(markup(other), styles.fine) for other in others)
    if subtypes := wording.subtypes(report):
        rows.append(Paragraph("Subtypes", styles.subheading))
        rows.append(_definitions(subtypes, styles, inner, 45 * mm))
    table = Table([[row] for row in rows], [_WIDTH])
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), tone.wash),
                ("LINEBEFORE", (0, 0), (0, -1), 3, tone.colour),
                ("LEFTPADDING", (0, 0), (-1, -1), 6 * mm),
                ("RIGHTPADDING", (0, 0), (-1, -1), 6 * mm),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ("TOPPADDING", (0, 0), (-1, 0), 3 * mm),
                ("BOTTOMPADDING", (0, -1), (-1, -1), 3.5 * mm),
            ]
        )
    )
    return table


def _section(title: str, first: Flowable, styles: Styles) -> Flowable:
    """A heading that never stands alone at the foot of a page."""
    return KeepTogether([Paragraph(title, styles.heading), first])


def _next_steps(report: StudyReport, styles: Styles) -> list[Flowable]:
    rows: list[list[Flowable]] = []
    for urgency, steps in wording.steps_by_urgency(report):
        for number, step in enumerate(steps):
            source = (
                f' <font size="7.5" color="#4a5866">[{markup(step.source)}]</font>' if step.source else ""
            )
            label = Paragraph(urgency if number == 0 else "", styles.urgency)
            rows.append([label, Paragraph(markup(step.text) + source, styles.step, bulletText="•")])
    if not rows:
        return []
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
        ]
    )
    widths = [16 * mm, _WIDTH - 16 * mm]
    first, rest = Table(rows[:1], widths, style=style), rows[1:]
    section = [_section("Recommended next steps", first, styles)]
    return [*section, Table(rest, widths, style=style)] if rest else section


def _key_slices(report: StudyReport, styles: Styles) -> list[Flowable]:
    pictured = report.pictured
    if not pictured:
        return []
    columns = 2 if len(pictured) > 1 else 1
    width = _WIDTH / 2
    cells: list[list[Flowable]] = [_slice_cell(report, shown, styles, width - 3 * mm) for shown in pictured]
    rows = [cells[at : at + columns] for at in range(0, len(cells), columns)]
    rows[-1] += [[]] * (columns - len(rows[-1]))
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3 * mm),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5 * mm),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5 * mm),
        ]
    )
    tables = [Table([row], [width] * columns, style=style, hAlign="LEFT") for row in rows]
    opening = KeepTogether(
        [
            Paragraph("Key slices", styles.heading),
            Paragraph(markup(wording.saliency(report)), styles.body),
            tables[0],
        ]
    )
    return [opening, *tables[1:]]


def _slice_cell(report: StudyReport, shown: KeySlice, styles: Styles, width: float) -> list[Flowable]:
    side = width / 2
    pictures = [shown.plain] if shown.explained is None else [shown.plain, shown.explained]
    images = [_picture(picture, side - 0.6 * mm) for picture in pictures]
    pair = Table([images], [side] * len(images), [side], hAlign="LEFT")
    pair.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), HexColor("#000000")),
                ("ALIGN", (0, 0), (-1, -1), "CENTER"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                *((f"{edge}PADDING", (0, 0), (-1, -1), 0) for edge in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
            ]
        )
    )
    probability = wording.slice_probability(report, shown)
    caption = f"<b>{markup(wording.slice_name(report, shown))}</b>" + (
        f"  ·  {probability}" if probability else ""
    )
    return [pair, Paragraph(caption, styles.caption)]


def _picture(jpeg: bytes, side: float) -> Image:
    """A picture as large as fits a square of ``side`` points."""
    return Image(BytesIO(jpeg), width=side, height=side, kind="proportional")


def _chart(report: StudyReport, styles: Styles) -> list[Flowable]:
    series = report.charted_series
    if series is None:
        return []
    png = charts.slice_probability_chart(series, report.result.thresholds)
    return [
        KeepTogether(
            [
                Paragraph("Slice by slice", styles.heading),
                Image(BytesIO(png), width=_WIDTH, height=_WIDTH, kind="proportional"),
                Paragraph(markup(wording.chart_summary(report, series)), styles.fine),
            ]
        )
    ]


def _series(report: StudyReport, styles: Styles) -> list[Flowable]:
    head = [Paragraph(heading, styles.term) for heading in wording.SERIES_HEADINGS]
    body = [
        [Paragraph(markup(text), styles.cell) for text in (row.number, *(text for _, text in row.cells))]
        for row in wording.series_rows(report)
    ]
    widths = [15 * mm, 18 * mm, 14 * mm, 22 * mm, 27 * mm]
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ]
    )
    table = Table([head, *body], [*widths, _WIDTH - sum(widths)], style=style, repeatRows=1)
    heading = Paragraph("Series in this study", styles.heading)
    section: list[Flowable] = [KeepTogether([heading, table])] if len(body) < 8 else [heading, table]
    if len(body) > 1 and report.driving_series is not None:
        section.append(Paragraph(wording.DRIVING_SERIES, styles.fine))
    return section


def _model(report: StudyReport, styles: Styles) -> list[Flowable]:
    definitions = _definitions(wording.model_rows(report), styles, _WIDTH, 34 * mm)
    return [
        _section("Model and validation", definitions, styles),
        Spacer(0, 3 * mm),
        Paragraph(f"<b>{wording.FOOTER}</b> {wording.STATUS_NOTE}", styles.body),
    ]
