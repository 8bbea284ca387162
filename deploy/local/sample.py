"""The bundled sample: a drawn head CT with a haemorrhage, sent through the public API like any scan."""

import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import httpx

from local.errors import StackError
from local.supervisor_client import wait_for

SCOPES: Final = ("studies:read", "studies:write", "reports:read")
_ENDED: Final = frozenset({"completed", "failed", "cancelled", "held"})
_SLICES: Final = 24


@dataclass(frozen=True)
class SampleOutcome:
    """What became of the sample."""

    study_id: str
    finding: str | None
    disposition: str
    stroke_probability: float | None
    """0 to 1; None when the model gives no answer for this input."""
    seconds: float
    """From the start of the upload to the answer."""
    report: bytes
    """The report as PDF."""


def sample_study() -> bytes:
    """Draw the sample as a zip of DICOM slices."""
    from ictus.imaging.phantom import Bleed, head_ct, write_dicom_series  # noqa: PLC0415 (a second to import)

    packed = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in write_dicom_series(head_ct(slices=_SLICES, bleed=Bleed()), Path(folder)):
            archive.write(path, path.name)
    return packed.getvalue()


def analyse_sample(url: str, api_key: str, timeout_s: float = 180) -> SampleOutcome:
    """Upload the sample to the gateway at `url`, wait for its answer and fetch its report.

    Raises:
        StackError: A request was refused, or the analysis did not complete; the message says why.
    """
    packed = sample_study()
    started = time.monotonic()
    with (
        _readable_failures(),
        httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {api_key}"}, timeout=60
        ) as api,
    ):
        files = {"files": ("sample.zip", packed, "application/zip")}
        study_id = cast("str", _json(api.post("/studies", files=files))["id"])
        study: dict[str, Any] = {}

        def ended() -> bool:
            study.update(_json(api.get(f"/studies/{study_id}")))
            return study["state"] in _ENDED

        wait_for(ended, timeout_s=timeout_s, waiting_for="the sample's answer")
        seconds = time.monotonic() - started
        if study["state"] != "completed":
            msg = f"The sample study is {study['state']}."
            raise StackError(msg)
        report = api.get(f"/studies/{study_id}/report.pdf").raise_for_status().content
    return SampleOutcome(
        study_id, study["finding"], study["disposition"], study["stroke_probability"], seconds, report
    )


@contextmanager
def _readable_failures() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPStatusError as error:
        detail = error.response.text[:200]
        msg = f"The gateway answered {error.response.status_code} to {error.request.url.path}: {detail}"
        raise StackError(msg) from error
    except httpx.HTTPError as error:
        msg = f"The gateway did not answer: {error}"
        raise StackError(msg) from error


def _json(response: httpx.Response) -> dict[str, Any]:
    return cast("dict[str, Any]", response.raise_for_status().json())
