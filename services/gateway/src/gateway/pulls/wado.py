"""QIDO-RS and WADO-RS as a client (PS3.18 10.6 and 10.4)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from gateway.deliveries.errors import RefusedError, RefusedForNowError
from gateway.deliveries.http import call, credentials, require_success, streamed
from gateway.dicomweb.attributes import value_of
from gateway.dicomweb.media import DICOM_JSON
from gateway.dicomweb.related import RelatedReader
from gateway.dimse.heads import Failure, HeadRefusedError
from gateway.pulls.archive import MOST_STUDIES, ArchivedSeries, ArchivedStudy, Patience
from gateway.pulls.models import Source
from gateway.pulls.receiver import Receiver
from gateway.pulls.wanted import Wanted
from ictus.domain.errors import IctusError

_STUDY_UID: Final = "0020000D"
_SERIES_UID: Final = "0020000E"
_ACCESSION_NUMBER: Final = "00080050"
_PATIENT_ID: Final = "00100020"
_MODALITY: Final = "00080060"
_INSTANCES: Final = "00201209"
_AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class DicomWebArchive:
    """An archive at a DICOMweb address such as ``https://pacs.example.org/dicom-web``."""

    def __init__(self, source: Source, secret: str | None, patience: Patience) -> None:
        self._address = (source.url or "").rstrip("/") + "/studies"
        self._auth, self._headers = credentials(source.username, secret)
        self._patience = patience

    def find(self, wanted: Wanted) -> Sequence[ArchivedStudy]:
        """QIDO-RS for studies. Raises as ``Archive`` says."""
        key = (
            {"StudyInstanceUID": wanted.study_instance_uid}
            if wanted.study_instance_uid is not None
            else {"AccessionNumber": wanted.accession_number or ""}
        )
        query = urlencode(key | {"limit": str(MOST_STUDIES)})
        return [
            ArchivedStudy(_text(one, _STUDY_UID), _text(one, _ACCESSION_NUMBER), _text(one, _PATIENT_ID))
            for one in self._asked(f"{self._address}?{query}")
        ]

    def series(self, study_instance_uid: str) -> Sequence[ArchivedSeries]:
        """QIDO-RS for series. Raises as ``Archive`` says."""
        found = self._asked(
            f"{self._address}/{study_instance_uid}/series?includefield=NumberOfSeriesRelatedInstances"
        )
        return [
            ArchivedSeries(_text(one, _SERIES_UID), _text(one, _MODALITY), _count(value_of(one, _INSTANCES)))
            for one in found
        ]

    def fetch(
        self, study_instance_uid: str, series: Sequence[ArchivedSeries], receiver: Receiver
    ) -> int | None:
        """WADO-RS, one series after the other, as they are stored there. Raises as ``Archive`` says."""
        for one in series:
            address = f"{self._address}/{study_instance_uid}/series/{one.series_instance_uid}"
            headers = {"Accept": _AS_STORED, **self._headers}
            with streamed(address, self._patience.silence, headers=headers, auth=self._auth) as answer:
                require_success(answer)
                reader = _reader(answer.headers.get("content-type", ""), receiver)
                try:
                    for chunk in answer.iter_bytes():
                        reader.write(chunk)
                        receiver.progress(receiver.received)  # a long series is no silence
                    files = reader.files()
                except IctusError as error:
                    raise RefusedForNowError(
                        f"What the archive sent cannot be read: {error.detail}"
                    ) from error
                finally:
                    reader.close()
            for file in files:
                _keep(receiver, file)
        return None

    def test(self) -> str:
        """Search for one study."""
        answer = call(
            "GET",
            f"{self._address}?limit=1",
            self._patience.connect,
            headers={"Accept": DICOM_JSON, **self._headers},
            auth=self._auth,
        )
        return require_success(answer)

    def _asked(self, address: str) -> Sequence[object]:
        headers: Mapping[str, str] = {"Accept": DICOM_JSON, **self._headers}
        answer = call("GET", address, self._patience.silence, headers=headers, auth=self._auth)
        require_success(answer)
        if not answer.content:  # 204: nothing fits
            return []
        try:
            found = answer.json()
        except ValueError as error:
            raise RefusedForNowError("The archive did not answer in DICOM JSON.") from error
        return found if isinstance(found, list) else []


def _reader(content_type: str, receiver: Receiver) -> RelatedReader:
    try:
        return RelatedReader(content_type, receiver.folder, receiver.max_bytes, receiver.max_files)
    except IctusError as error:
        raise RefusedError("The archive did not answer with DICOM files.") from error


def _keep(receiver: Receiver, file: Path) -> None:
    """Keep a file; what is no image stays out, as it does when it is sent to us."""
    try:
        receiver.keep(file)
    except HeadRefusedError as error:
        if error.reason is Failure.OUT_OF_RESOURCES:
            raise RefusedForNowError("There is no room here to receive the study.") from error
        if error.reason is not Failure.CLASS_NOT_SUPPORTED:
            raise RefusedError(
                f"The archive sent a file that is not kept ({error.reason.name.lower()})."
            ) from error
    finally:
        file.unlink(missing_ok=True)


def _text(described: object, tag: str) -> str:
    value = value_of(described, tag)
    return str(value).strip("\0 ") if isinstance(value, str | int) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
