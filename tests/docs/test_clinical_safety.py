"""Every hazard of docs/clinical-safety.md is traced to tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "clinical-safety.md").read_text(encoding="utf-8")
TRACED = re.findall(r"^- `(tests/[^`:]+\.py)::(test_\w+)`$", PAGE, re.MULTILINE)
LISTED = re.findall(r"^\| (H\d+) \|", PAGE, re.MULTILINE)


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize(("file", "name"), TRACED, ids=[f"{file}::{name}" for file, name in TRACED])
def test_traced_test_exists(file: str, name: str) -> None:
    assert (REPOSITORY / file).is_file()
    assert name in functions_of(file)


def test_every_mention_of_a_test_is_traced() -> None:
    """A misspelt line would otherwise not be checked at all."""
    assert len(re.findall(r"::", PAGE)) == len(TRACED)


def test_every_hazard_is_described_with_its_tests_and_what_is_left_over() -> None:
    sections = dict(re.findall(r"^### (H\d+) .*?\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert list(sections) == LISTED
    assert len(LISTED) >= 15
    for number, text in sections.items():
        assert "::test_" in text, number
        assert "\nLeft over: " in text, number


@pytest.mark.parametrize("what", ["ischaemic stroke", "MRI", "children"])
def test_what_ictus_must_not_be_used_for_is_said(what: str) -> None:
    excluded = PAGE.partition("## Not to be used for")[2].partition("## Hazards")[0]
    assert f"- **{what}**" in excluded
