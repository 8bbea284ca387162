"""What docs/interfaces.md says of DICOM is what the program does."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from gateway.dicomweb.endpoints import router
from gateway.dimse.calling import VERIFICATION
from gateway.dimse.heads import Failure
from gateway.dimse.server import STORAGE_CLASSES, TRANSFER_SYNTAXES
from gateway.pulls.query_retrieve import FIND, GET, MOVE
from gateway.settings import DimseSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interfaces.md"


@pytest.fixture(scope="module")
def statement() -> str:
    return PAGE.read_text().split("## DICOM conformance statement")[1].split("\n## ")[0]


def test_classes_and_transfer_syntaxes_are_those_of_the_listener(statement: str) -> None:
    listed = re.findall(r"^\| [^|]+ \| (1\.2\.840\.[0-9.]+) \|$", statement, re.MULTILINE)
    assert sorted(listed) == sorted([*TRANSFER_SYNTAXES, VERIFICATION, *STORAGE_CLASSES])


def test_operations_as_scu_are_those_of_the_program(statement: str) -> None:
    listed = re.findall(r"^\| (C-\w+) \| [^|]+ \| (1\.2\.840\.[0-9.]+) \|", statement, re.MULTILINE)
    assert dict(listed) == {"C-ECHO": VERIFICATION, "C-FIND": FIND, "C-MOVE": MOVE, "C-GET": GET}


def test_status_codes_are_those_that_are_answered(statement: str) -> None:
    listed = re.findall(r"^\| ([0-9A-F]{4}) \|", statement, re.MULTILINE)
    assert sorted(listed) == sorted(["0000", *(f"{one:04X}" for one in Failure)])


def test_settings_have_the_defaults_that_are_told(statement: str) -> None:
    told = {}
    for names, defaults in re.findall(r"^\| (`DIMSE_[^|]*) \| ([^|]*) \|", statement, re.MULTILINE):
        keys = [key.lower() for key in re.findall(r"`(DIMSE_\w+)`", names)]
        values = re.findall(r"`([^`]*)`", defaults) or ["None"] * len(keys)
        told |= dict(zip(keys, values, strict=True))
    fields = DimseSettings.model_fields
    assert told == {key: str(fields[key].default) for key in told}
    unmentioned = {"dimse_host", "dimse_check_seconds"}
    assert set(told) == {name for name in fields if name.startswith("dimse_")} - unmentioned


def test_resources_are_those_of_the_application(statement: str) -> None:
    listed = {
        (path, method)
        for paths, methods in re.findall(r"^\| (`/[^|]*) \| ([A-Z, ]+) \|", statement, re.MULTILINE)
        for path in re.findall(r"`([^`]*)`", paths)
        for method in methods.split(", ")
    }
    served = {
        ((context.path or "").removeprefix("/api/v1/dicomweb"), method)
        for context in iter_route_contexts(router.routes)
        for method in context.methods or ()
    }
    assert listed == served
