"""What the sentences say about numbers."""

import pytest

from ictus.domain.enums import Disposition, Modality
from ictus.report import wording
from ictus.report.fonts import markup, visual

from .conftest import Case, build


@pytest.mark.parametrize(
    ("probability", "percent", "sentence"),
    [
        (0.0, "under 1", "fewer than 1 show a bleed."),
        (0.012, "1", "about 1 shows a bleed and about 99 do not."),
        (0.93, "93", "about 93 show a bleed and about 7 do not."),
        (0.99, "99", "about 99 show a bleed and about 1 does not."),
        (1.0, "over 99", "more than 99 show a bleed."),
    ],
)
def test_a_probability_never_reads_as_certainty(probability: float, percent: str, sentence: str) -> None:
    assert wording.percent(probability) == f"{percent}\u00a0%"
    assert (
        wording.natural_frequency(probability, "a bleed") == f"Of 100 scans that get this score, {sentence}"
    )


@pytest.mark.parametrize("disposition", [Disposition.UNSUITABLE, Disposition.NOT_VALIDATED])
def test_an_input_that_the_model_cannot_judge_gets_no_number_and_no_heatmap(disposition: Disposition) -> None:
    report = build(Case(disposition, 0.97, series=2))
    assert report.probability is None
    assert report.charted_series is None
    assert all(shown.explained is None for shown in report.pictured)
    assert wording.thresholds(report) is None
    assert "not a normal result" in wording.confidence(report)[0]
    assert {dict(row.cells)["Probability"] for row in wording.series_rows(report)} == {"none"}
    assert wording.saliency(report) == wording.NO_SALIENCY


def test_only_confident_answers_are_red_or_green() -> None:
    tones = {
        (d, p): wording.tone(build(Case(d, p, pictures=0, slices=2)))
        for d in Disposition
        for p in (0.03, 0.97)
    }
    assert tones[Disposition.CONFIDENT, 0.97] is wording.Tone.ALERT
    assert tones[Disposition.CONFIDENT, 0.03] is wording.Tone.CLEAR
    others = {tone for (disposition, _), tone in tones.items() if disposition is not Disposition.CONFIDENT}
    assert others == {wording.Tone.DOUBT, wording.Tone.NONE}


def test_slices_are_counted_from_one_and_named_with_their_series_when_there_are_several() -> None:
    one, several = build(Case(slices=8)), build(Case(slices=8, series=3))
    first = one.key_slices[0]
    assert wording.slice_name(one, first) == f"Slice {first.index + 1} of 8"
    assert wording.slice_name(several, first) == f"Series 1, slice {first.index + 1} of 8"


def test_the_chart_in_words_counts_the_slices_without_a_probability() -> None:
    report = build(Case(slices=6))
    series = report.result.series[0]
    slices = tuple(
        s.model_copy(update={"stroke_probability": None}) if s.index < 2 else s for s in series.slices
    )
    text = wording.chart_summary(report, series.model_copy(update={"slices": slices}))
    assert "2 slices were unsuitable" in text


def test_the_modality_is_never_guessed() -> None:
    report = build(Case(Disposition.NOT_VALIDATED, None, modality=Modality.OTHER))
    assert dict(wording.study_rows(report))["Scan"].startswith("Modality unknown")


def test_names_in_other_scripts_are_put_in_the_order_they_are_drawn() -> None:
    assert visual("Sample, Ingrid") == "Sample, Ingrid"
    assert visual("שרה כהן") == "ןהכ\u00a0הרש"
    assert all(letter >= "\ufe70" for letter in visual("محمد"))


def test_names_are_escaped_and_east_asian_ones_get_their_font() -> None:
    assert markup("<b>&") == "&lt;b&gt;&amp;"
    assert (
        markup("山田 太郎") == '<font name="STSong-Light">山田</font> <font name="STSong-Light">太郎</font>'
    )
    assert "HeiseiKakuGo-W5" in markup("山田 たろう")
    assert "HYGothic-Medium" in markup("김민준")
