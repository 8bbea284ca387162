"""The rule table: what it accepts, and which steps it gives for which result."""

import pytest
from pydantic import ValidationError

from ictus.domain.enums import Disposition, Finding, Modality, Priority
from ictus.report import NextStepTable, StudyReport, default_table
from ictus.report.next_steps import Urgency

from .conftest import Case, build


def table(*rules: dict[str, object]) -> NextStepTable:
    return NextStepTable.model_validate({"rules": list(rules)})


def rule(name: str, text: str, urgency: str = "next", **when: object) -> dict[str, object]:
    return {"id": name, "when": when, "steps": [{"text": text, "urgency": urgency}]}


def texts(rules: NextStepTable, report: StudyReport, **labels: object) -> list[str]:
    steps = rules.evaluate(report.result, **{"modality": Modality.CT, "priority": Priority.ROUTINE, **labels})
    return [step.text for step in steps]


def test_every_rule_that_holds_adds_its_steps_in_the_tables_order() -> None:
    rules = table(
        rule("a", "first"),
        rule("b", "never", dispositions=["unsuitable"]),
        rule("c", "second", modalities=["CT"]),
    )
    assert texts(rules, build(Case())) == ["first", "second"]


def test_a_step_is_said_once_and_the_urgent_ones_come_first() -> None:
    rules = table(rule("a", "later"), rule("b", "later"), rule("c", "at once", "now"))
    assert texts(rules, build(Case())) == ["at once", "later"]


@pytest.mark.parametrize(("probability", "expected"), [(0.49, []), (0.5, ["x"]), (0.69, ["x"]), (0.7, [])])
def test_the_probability_band_holds_its_lower_bound_and_not_its_upper(
    probability: float, expected: list[str]
) -> None:
    rules = table(rule("a", "x", probability_at_least=0.5, probability_below=0.7))
    assert texts(rules, build(Case(Disposition.UNCERTAIN, probability))) == expected


def test_a_probability_band_never_holds_without_a_probability() -> None:
    rules = table(rule("a", "x", probability_at_least=0.0))
    assert texts(rules, build(Case(Disposition.UNSUITABLE, None))) == []


def test_null_among_the_findings_stands_for_no_answer() -> None:
    rules = table(rule("a", "x", findings=[None]))
    assert texts(rules, build(Case(Disposition.NOT_VALIDATED))) == ["x"]
    assert texts(rules, build(Case())) == []


@pytest.mark.parametrize(
    "rules",
    [
        [rule("a", "x"), rule("a", "y")],
        [rule("a", "x", probability_at_least=0.7, probability_below=0.7)],
        [rule("a", "x", unknown_condition=True)],
        [rule("a", "x", dispositions=[])],
        [rule("Not a slug", "x")],
        [rule("a", "two\nlines")],
        [rule("a", "x" * 401)],
        [{"id": "a", "steps": []}],
    ],
    ids=["same-id", "empty-band", "unknown", "no-disposition", "id", "line-break", "long", "no-steps"],
)
def test_a_table_that_cannot_be_meant_is_refused(rules: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError):
        table(*rules)


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize("finding", [*Finding, None])
def test_the_default_table_always_advises_and_never_orders(
    disposition: Disposition, finding: Finding | None, modality: Modality
) -> None:
    result = build(Case(disposition, 0.5)).result.model_copy(update={"finding": finding})
    steps = default_table().evaluate(result, modality, Priority.STAT)
    assert steps[-1].urgency is Urgency.ALWAYS
    for step in steps:
        assert "onsider" in step.text


def test_every_answer_that_is_not_confident_sends_the_scan_to_a_reader_now() -> None:
    for disposition in set(Disposition) - {Disposition.CONFIDENT}:
        first = texts(default_table(), build(Case(disposition, 0.5)))[0]
        assert "radiologist to read this scan" in first


def test_a_clear_scan_does_not_send_a_suspected_stroke_home() -> None:
    said = " ".join(texts(default_table(), build(Case(probability=0.02))))
    assert "does not exclude it" in said
