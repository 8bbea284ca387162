"""The PDF's sections, from top to bottom."""

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, Spacer, Table, TableStyle

from ictus.report import charts, wording
from ictus.report.fonts import BOLD, markup
from ictus.report.model import KeySlice, StudyReport
from ictus.report.pdf_style import ALL, FLUSH, RULE, TONES, WIDTH, Gauge, Styles, ToneColours

_GUTTER = 4 * mm


def story(report: StudyReport, styles: Styles) -> list[Flowable]:
    """Everything between the head and the foot of the pages, in order."""
    return [
        _heading(report, styles),
        Spacer(0, 3 * mm),
        _labels(report, styles),
        Spacer(0, 4 * mm),
        *_reading(report, styles),
        _result(report, styles),
        *_next_steps(report, styles),
        *_key_slices(report, styles),
        *_chart(report, styles),
        *_series(report, styles),
        *_model(report, styles),
    ]


def _heading(report: StudyReport, styles: Styles) -> Flowable:
    said = f"<b>{wording.STATUSES[report.status].upper()}</b><br/>{wording.STATUSES_SHORT[report.status]}"
    status = Paragraph(said, styles.status)
    style = TableStyle(
        [
            ("LEFTPADDING", (0, 0), (0, 0), 0),
            ("VALIGN", *ALL, "MIDDLE"),
            ("BOX", (1, 0), (1, 0), 0.9, TONES[wording.Tone.DOUBT].colour),
        ]
    )
    return Table([[Paragraph(wording.TITLE, styles.title), status]], [WIDTH - 46 * mm, 46 * mm], style=style)


def _labels(report: StudyReport, styles: Styles) -> Flowable:
    columns = [wording.study_rows(report)]
    widths = [WIDTH]
    if report.patient is not None:
        columns.insert(0, wording.patient_rows(report.patient))
        widths = [WIDTH * 0.42, WIDTH * 0.58]
    cells = [
        _definitions(rows, styles, width - _GUTTER, 20 * mm)
        for rows, width in zip(columns, widths, strict=True)
    ]
    style = TableStyle([*FLUSH, ("BOTTOMPADDING", *ALL, 1.5 * mm), ("LINEBELOW", *ALL, 0.6, RULE)])
    return Table([cells], widths, style=style)


def _definitions(rows: Sequence[tuple[str, str]], styles: Styles, width: float, name_width: float) -> Table:
    cells = [
        [Paragraph(markup(name), styles.term), Paragraph(markup(value), styles.body)] for name, value in rows
    ]
    style = TableStyle([*FLUSH, ("BOTTOMPADDING", *ALL, 1), ("RIGHTPADDING", (0, 0), (0, -1), 2 * mm)])
    return Table(cells, [name_width, width - name_width], style=style, hAlign="LEFT")


def _reading(report: StudyReport, styles: Styles) -> list[Flowable]:
    """The readers' finding, before everything that the model says."""
    reading = report.reading
    if reading is None:
        return []
    tone = TONES[wording.reading_tone(reading)]
    rows: list[Flowable] = [
        Paragraph(wording.READING, styles.disposition(tone.colour)),
        Paragraph(markup(wording.reading_headline(report, reading)), styles.headline),
        Paragraph(markup(wording.reading_by(reading)), styles.body),
    ]
    return [_toned_box(rows, tone), Spacer(0, 3 * mm)]


def _result(report: StudyReport, styles: Styles) -> Flowable:
    """The coloured box with the answer. It may split over pages, within a row too, when the words are long."""
    tone = TONES[wording.tone(report)]
    inner = WIDTH - 12 * mm
    rows: list[Flowable] = [
        Paragraph(wording.disposition(report), styles.disposition(tone.colour)),
        Paragraph(markup(report.result.finding_text), styles.headline),
        Paragraph(markup(report.result.reason), styles.body),
    ]
    if (probability := report.probability) is not None:
        colour = f"#{tone.colour.hexval()[2:]}"
        number = f'<font name="{BOLD}" size="15" color="{colour}">{wording.percent(probability)}</font>'
        rows.append(Paragraph(f"{number}  probability of {markup(report.result.looked_for)}", styles.number))
        rows.append(Gauge(probability, report.result.thresholds, inner * 0.72))
        if (limits := wording.thresholds(report)) is not None:
            rows.append(Paragraph(limits, styles.fine))
    first, *others = wording.confidence(report)
    rows.append(Paragraph("What this means", styles.subheading))
    rows.append(Paragraph(markup(first), styles.body))
    rows.extend(Paragraph(markup(other), styles.fine) for other in others)
    if subtypes := wording.subtypes(report):
        rows.append(Paragraph("Subtypes", styles.subheading))
        rows.append(_definitions(subtypes, styles, inner, 45 * mm))
    return _toned_box(rows, tone)


def _toned_box(rows: list[Flowable], tone: ToneColours) -> Flowable:
    style = TableStyle(
        [
            *FLUSH,
            ("BACKGROUND", *ALL, tone.wash),
            ("LINEBEFORE", (0, 0), (0, -1), 3, tone.colour, "butt"),
            ("LEFTPADDING", *ALL, 6 * mm),
            ("RIGHTPADDING", *ALL, 6 * mm),
            ("TOPPADDING", *ALL, 1.5),
            ("TOPPADDING", (0, 0), (-1, 0), 3 * mm),
            ("BOTTOMPADDING", (0, -1), (-1, -1), 3.5 * mm),
        ]
    )
    return Table([[row] for row in rows], [WIDTH], style=style, splitInRow=1)


def _next_steps(report: StudyReport, styles: Styles) -> list[Flowable]:
    rows: list[list[Flowable]] = []
    for urgency, steps in wording.steps_by_urgency(report):
        for number, step in enumerate(steps):
            label = Paragraph("" if number else urgency, styles.urgency)
            source = (
                f' <font size="7.5" color="#4a5866">[{markup(step.source)}]</font>' if step.source else ""
            )
            rows.append([label, Paragraph(markup(step.text) + source, styles.step, bulletText="•")])
    if not rows:
        return []
    style = TableStyle([*FLUSH, ("TOPPADDING", *ALL, 1), ("BOTTOMPADDING", *ALL, 1.6)])
    first, *rest = (Table([row], [16 * mm, WIDTH - 16 * mm], style=style) for row in rows)
    return [KeepTogether([Paragraph("Recommended next steps", styles.heading), first]), *rest]


def _key_slices(report: StudyReport, styles: Styles) -> list[Flowable]:
    if not report.pictured:
        return []
    columns = 1 if len(report.pictured) == 1 and report.pictured[0].explained else 2
    width = (WIDTH - _GUTTER * (columns - 1)) / columns
    cells = [_slice_cell(report, shown, styles, width) for shown in report.pictured]
    padding = [
        ("TOPPADDING", *ALL, 1.5 * mm),
        ("BOTTOMPADDING", *ALL, 1.5 * mm),
        ("RIGHTPADDING", *ALL, _GUTTER),
    ]
    style = TableStyle([*FLUSH, *padding])
    first, *rest = (
        Table([cells[at : at + columns]], width + _GUTTER, style=style, hAlign="LEFT")
        for at in range(0, len(cells), columns)
    )
    opening = [
        Paragraph("Key slices", styles.heading),
        Paragraph(markup(wording.saliency(report)), styles.body),
        first,
    ]
    return [KeepTogether(opening), *rest]


def _slice_cell(report: StudyReport, shown: KeySlice, styles: Styles, width: float) -> list[Flowable]:
    side = width / 2
    pictures = [shown.plain] if shown.explained is None else [shown.plain, shown.explained]
    images = [
        Image(BytesIO(jpeg), width=side - 0.5 * mm, height=side - 0.5 * mm, kind="proportional")
        for jpeg in pictures
    ]
    style = TableStyle(
        [
            *FLUSH,
            ("BACKGROUND", *ALL, HexColor("#000000")),
            ("ALIGN", *ALL, "CENTER"),
            ("VALIGN", *ALL, "MIDDLE"),
        ]
    )
    pair = Table([images], [side] * len(images), [side], style=style, hAlign="LEFT")
    probability = wording.slice_probability(report, shown)
    caption = f"<b>{wording.slice_name(report, shown)}</b>" + (f"  ·  {probability}" if probability else "")
    return [pair, Paragraph(caption, styles.caption)]


def _chart(report: StudyReport, styles: Styles) -> list[Flowable]:
    series = report.charted_series
    if series is None:
        return []
    png = charts.slice_probability_chart(series, report.result.thresholds)
    section = [
        Paragraph("Slice by slice", styles.heading),
        Image(BytesIO(png), width=WIDTH, height=WIDTH, kind="proportional"),
        Paragraph(markup(wording.chart_summary(report, series)), styles.fine),
    ]
    return [KeepTogether(section)]


def _series(report: StudyReport, styles: Styles) -> list[Flowable]:
    rows = wording.series_rows(report)
    if len(rows) < 2:
        return []
    head = [Paragraph(heading, styles.term) for heading in wording.SERIES_HEADINGS]
    body = [
        [Paragraph(markup(text), styles.cell) for text in (row.number, *(cell for _, cell in row.cells))]
        for row in rows
    ]
    widths = [15 * mm, 18 * mm, 14 * mm, 22 * mm, 27 * mm]
    style = TableStyle(
        [
            *FLUSH,
            ("TOPPADDING", *ALL, 1.5),
            ("BOTTOMPADDING", *ALL, 2.5),
            ("RIGHTPADDING", *ALL, 2 * mm),
            ("LINEBELOW", *ALL, 0.5, RULE),
        ]
    )
    table = Table([head, *body], [*widths, WIDTH - sum(widths)], style=style, repeatRows=1, splitInRow=1)
    section: list[Flowable] = [Paragraph("Series in this study", styles.heading), table]
    if report.driving_series is not None:
        section.append(Paragraph(wording.DRIVING_SERIES, styles.fine))
    return section


def _model(report: StudyReport, styles: Styles) -> list[Flowable]:
    section = [
        Paragraph("Model and validation", styles.heading),
        _definitions(wording.model_rows(report), styles, WIDTH, 34 * mm),
        Spacer(0, 3 * mm),
        Paragraph(f"<b>{wording.FOOTER}</b> {wording.status_note(report)}", styles.body),
    ]
    return [KeepTogether(section)]
