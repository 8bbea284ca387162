"""The bundled sample: a drawn head CT with a haemorrhage, sent through the public API like any scan."""

import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ictus_client import ApiKey, Ictus, IctusError
from local.errors import StackError

SCOPES: Final = ("studies:read", "studies:write", "reports:read")
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


def draw_sample(packed: Path) -> None:
    """Draw the sample as a zip of DICOM slices."""
    from ictus.imaging.phantom import Bleed, head_ct, write_dicom_series  # noqa: PLC0415 (a second to import)

    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in write_dicom_series(head_ct(slices=_SLICES, bleed=Bleed()), Path(folder)):
            archive.write(path, path.name)


def analyse_sample(url: str, api_key: str, timeout_s: float = 180) -> SampleOutcome:
    """Upload the sample to the gateway at `url`, wait for its answer and fetch its report.

    Raises:
        StackError: A request was refused, or the analysis did not complete; the message says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "sample.zip"
        draw_sample(packed)
        started = time.monotonic()
        try:
            with Ictus(url, ApiKey(api_key), timeout=60) as ictus:
                study = ictus.wait(ictus.upload([packed]).id, timeout_s)
                seconds = time.monotonic() - started
                if study.state != "completed":
                    msg = f"The sample study is {study.state}."
                    raise StackError(msg)
                report = ictus.report(study.id)
        except IctusError as error:
            raise StackError(str(error)) from error
    return SampleOutcome(
        str(study.id), study.finding, study.disposition or "", study.stroke_probability, seconds, report
    )
