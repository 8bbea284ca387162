"""The rendered documents: their text, structure and bytes."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from ictus.domain.enums import Disposition, Modality
from ictus.report import PatientLabel, content_security_policy, render_html, render_pdf, wording
from ictus.report.charts import ON_DARK, ON_LIGHT, slice_probability_chart

from .conftest import STUDY_ID, THRESHOLDS, Case, build

CASES = {
    "stroke": Case(),
    "normal": Case(probability=0.03),
    "uncertain": Case(Disposition.UNCERTAIN, 0.55),
    "unsuitable": Case(Disposition.UNSUITABLE, None, slices=1, patient=None),
    "not-validated": Case(Disposition.NOT_VALIDATED, 0.4, modality=Modality.MR),
    "one-slice": Case(slices=1, facts=(), thresholds=None),
    "no-pictures": Case(pictures=0),
    "long": Case(
        series=14,
        slices=200,
        finding_text="Signs of intracranial haemorrhage. " * 300,
        patient=PatientLabel("W" * 200, "9" * 64),
    ),
}
all_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


class Outline(HTMLParser):
    """Tags, headings, visible text and pictures of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@cache
def page_of(case: Case) -> str:
    return render_html(build(case))


@cache
def pdf_of(case: Case) -> bytes:
    return render_pdf(build(case))


def pdf_text(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


@all_cases
def test_the_same_report_gives_the_same_bytes(case: Case) -> None:
    assert render_pdf(build(case)) == pdf_of(case)
    assert render_html(build(case)) == page_of(case)


@all_cases
def test_both_documents_say_the_same(case: Case) -> None:
    report = build(case)
    said = [
        wording.TITLE,
        wording.status_note(report),
        wording.FOOTER,
        wording.DISPOSITIONS[report.result.disposition],
        report.result.finding_text.strip(),
        report.result.reason,
        report.result.validated_for,
        report.result.model_version,
        str(STUDY_ID),
        *wording.confidence(report),
        *(fact.value for fact in report.result.model_facts),
        *(step.text for step in report.next_steps),
        *([wording.saliency(report)] if report.pictured else []),
        *(wording.slice_name(report, shown) for shown in report.pictured),
    ]
    for text in (Outline(page_of(case)).text, pdf_text(pdf_of(case))):
        spaceless = re.sub(r"\s", "", text)
        page_furniture = re.compile(
            re.escape(re.sub(r"\s", "", wording.FOOTER)) + r"Preliminary,AI-assisted\.Modelstarter-2026\.11"
        )
        for sentence in said:
            wanted = re.sub(r"\s", "", sentence)
            # a sentence may run over a page's foot and the next one's head, so long ones are looked for in parts
            assert wanted[:60] in spaceless or wanted[:60] in page_furniture.sub("", spaceless), sentence


@all_cases
def test_every_page_says_whose_it_is_and_who_decides(case: Case) -> None:
    pages = PdfReader(BytesIO(pdf_of(case))).pages
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert wording.FOOTER in text
        assert "Model starter-2026.11" in text
        assert f"Page {number} of {len(pages)}" in text
        assert "Study 6d3d4f43" in text


def test_the_pdf_is_a_titled_a4_document_with_its_fonts_embedded() -> None:
    reader = PdfReader(BytesIO(pdf_of(Case())))
    assert len(reader.pages) == 2
    assert reader.metadata is not None
    assert reader.metadata.title == f"{wording.TITLE}, study {STUDY_ID}"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    embedded = {
        font["/BaseFont"].split("+")[-1] for font in fonts if "/FontFile2" in font.get("/FontDescriptor", {})
    }
    assert embedded == {"DejaVuSans", "DejaVuSans-Bold"}


def test_the_pictures_in_the_documents_are_the_ones_given() -> None:
    report = build(Case())
    images = [image.data for page in PdfReader(BytesIO(render_pdf(report))).pages for image in page.images]
    given = [picture for shown in report.pictured for picture in (shown.plain, shown.explained) if picture]
    for picture in given:
        original = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        decoded = [cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) for image in images]
        assert any(
            d is not None and d.shape == original.shape and np.abs(d.astype(int) - original).mean() < 2
            for d in decoded
        )
    shown = Outline(render_html(report)).all("img")
    assert len(shown) == len(given) + 4  # and the chart for each kind of screen


@all_cases
def test_the_page_loads_nothing_and_runs_nothing(case: Case) -> None:
    outline = Outline(page_of(case))
    assert not outline.all("script", "link", "iframe", "object", "form", "base")
    for _, attributes in outline.tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:")
        assert not (attributes.get("href") or "").startswith("http")
    style = re.findall(r"<style>(.*?)</style>", page_of(case), re.DOTALL)
    digest = b64encode(sha256("".join(style).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_security_policy()
    assert "default-src 'none'" in content_security_policy()
    assert "unsafe" not in content_security_policy()


@all_cases
def test_the_page_can_be_heard_and_walked_by_headings(case: Case) -> None:
    outline = Outline(page_of(case))
    assert outline.all("html")[0]["lang"] == "en"
    assert all(image.get("alt") for image in outline.all("img"))
    assert all(cell.get("scope") in {"col", "row"} for cell in outline.all("th"))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    headed = {attributes["id"] for attributes in outline.all("h2") if attributes.get("id")}
    assert {
        section["aria-labelledby"] for section in outline.all("section") if "aria-labelledby" in section
    } <= headed


def test_what_a_sender_wrote_stays_text() -> None:
    hostile = PatientLabel('<img src=x onerror="alert(1)">', "</style><script>1</script>")
    report = build(Case(patient=hostile))
    page = render_html(report)
    assert "<script" not in page
    assert "&lt;img src=x" in page
    assert "<img src=x" in pdf_text(render_pdf(report))


def test_a_report_without_identity_has_no_patient_block() -> None:
    page = Outline(render_html(build(Case(patient=None)))).text
    assert "Patient" not in page


@pytest.mark.parametrize("colours", [ON_LIGHT, ON_DARK], ids=["light", "dark"])
def test_the_chart_draws_each_bar_as_high_as_its_probability(colours: object) -> None:
    series = build(Case(slices=5)).result.series[0]
    heights = [0.9, None, 0.45, 0.9, 0.0]
    slices = tuple(
        s.model_copy(update={"stroke_probability": h}) for s, h in zip(series.slices, heights, strict=True)
    )
    series = series.model_copy(update={"slices": slices, "key_slices": (0,)})
    png = slice_probability_chart(series, None, colours)
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert picture.shape == (400, 1440, 3)

    def column_heights(colour: str) -> np.ndarray:
        rgb = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        return (np.abs(picture[60:].astype(int) - rgb).max(axis=-1) < 3).sum(axis=0)

    key, plain = column_heights(colours.key_bar), column_heights(colours.bar)
    tall, half = key.max(), plain[: plain.size * 3 // 5].max()
    assert half == pytest.approx(tall / 2, abs=3)
    assert plain[plain.size * 3 // 5 :].max() == pytest.approx(tall, abs=3)
    assert (key > tall * 0.9).sum() < (plain > half * 0.9).sum()


def test_the_chart_shows_the_thresholds() -> None:
    series = build(Case(slices=12)).result.series[0]
    assert slice_probability_chart(series, THRESHOLDS) != slice_probability_chart(series, None)
