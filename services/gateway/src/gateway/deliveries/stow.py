"""STOW-RS (PS3.18 10.5): objects to a DICOMweb archive, each proven by the response."""

import io
from collections.abc import Mapping
from typing import Final

import httpx
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from gateway.deliveries.errors import RefusedError, RefusedForNowError
from gateway.deliveries.http import call, credentials, require_success
from gateway.deliveries.models import Destination
from gateway.deliveries.parcel import Parcel, contents
from gateway.dicomweb.attributes import items_of, value_of
from gateway.dicomweb.media import DICOM_JSON

_REFERENCED: Final = "00081199"
_FAILED: Final = "00081198"
_INSTANCE: Final = "00081155"
_FAILURE_REASON: Final = "00081197"
_OUT_OF_RESOURCES: Final = 0xA700


class Stow:
    """Stores objects at a DICOMweb address such as ``https://pacs.example.org/dicom-web``."""

    def __init__(self, destination: Destination, secret: str | None, seconds: float) -> None:
        self._address = (destination.url or "").rstrip("/") + "/studies"
        self._content = contents(destination)
        self._seconds = seconds
        self._auth, shown = credentials(destination.username, secret)
        self._headers = {"Accept": DICOM_JSON, **shown}

    def send(self, parcel: Parcel) -> str:
        """Store every object by one request. Raises as ``Sender.send`` does."""
        objects = list(parcel.objects(self._content))
        boundary = f"ictus-{parcel.message_id}"
        answer = call(
            "POST",
            self._address,
            self._seconds,
            content=multipart(objects, boundary),
            headers={
                **self._headers,
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            },
            auth=self._auth,
        )
        stored = _stored(answer, {str(one.SOPInstanceUID) for one in objects})
        return f"STOW {answer.status_code}, {stored} stored"

    def test(self) -> str:
        """Search for one study."""
        return require_success(
            call("GET", f"{self._address}?limit=1", self._seconds, headers=self._headers, auth=self._auth)
        )


def multipart(objects: list[Dataset], boundary: str) -> bytes:
    """The objects as a multipart/related body (PS3.18 8.6.1.2)."""
    body = io.BytesIO()
    for one in objects:
        body.write(f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode())
        part = io.BytesIO()
        dcmwrite(part, one, enforce_file_format=True)
        body.write(part.getvalue() + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return body.getvalue()


def _stored(answer: httpx.Response, sent: set[str]) -> int:
    """How many objects the response names as stored: all that were sent, or an error is raised.

    PS3.18 10.5.3: 200 all, 202 some, 409 none. The body says which and why.
    """
    if answer.status_code not in {200, 202, 409}:
        require_success(answer)
    try:
        said: Mapping[str, object] = answer.json()
    except ValueError as error:
        raise RefusedForNowError("The archive did not say what it has stored.") from error
    stored = {str(value_of(item, _INSTANCE)) for item in items_of(said, _REFERENCED)}
    if sent <= stored:
        return len(sent)
    reasons = {value_of(item, _FAILURE_REASON) for item in items_of(said, _FAILED)}
    codes = (
        ", ".join(sorted(f"{reason:04X}" for reason in reasons if isinstance(reason, int))) or "none given"
    )
    told = f"The archive stored {len(sent & stored)} of {len(sent)} objects (failure reasons: {codes})."
    passing = all(isinstance(reason, int) and reason & 0xFF00 == _OUT_OF_RESOURCES for reason in reasons)
    raise (RefusedForNowError if passing else RefusedError)(told)
