"""Scans as people send them, for the gateway's tests."""

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any
from uuid import UUID

import pydicom
from fastapi.testclient import TestClient
from httpx import Response

from ictus.imaging import phantom


@cache
def picture(seed: int = 0) -> bytes:
    """A slice of a drawn head as PNG; another seed gives other bytes."""
    return phantom.picture(phantom.head_ct(slices=1, size=64, seed=seed), 0)


@cache
def dicom_files(seed: int = 0) -> tuple[bytes, ...]:
    """A series of three slices; its person's name is ``Canary^Identity``."""
    volume = phantom.head_ct(slices=3, size=64, seed=seed)
    person = phantom.Person(name="Canary^Identity", patient_id="CANARY-4711")
    files = []
    for instance in phantom.dicom_series(volume, person):
        buffer = BytesIO()
        pydicom.dcmwrite(buffer, instance, enforce_file_format=True)
        files.append(buffer.getvalue())
    return tuple(files)


def post_upload(browser: TestClient, *files: bytes, **fields: str) -> Response:
    """Send files as one upload."""
    parts: Sequence[Any] = [("files", (f"IM{number}", content)) for number, content in enumerate(files)]
    answer: Response = browser.post("/api/v1/studies", files=parts, data=fields)
    return answer


def upload(browser: TestClient, *files: bytes, **fields: str) -> dict[str, Any]:
    """Send files that must be taken; the study as the API describes it."""
    answer = post_upload(browser, *files, **fields)
    assert answer.status_code in {200, 201}, answer.text
    study: dict[str, Any] = answer.json()
    return study


def study_id(study: dict[str, Any]) -> UUID:
    """The id of a described study."""
    return UUID(study["id"])
