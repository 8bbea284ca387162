"""C-FIND, C-MOVE and C-GET SCU in the Study Root model (PS3.4 Annex C)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_role
from pynetdicom.events import EVT_C_STORE, Event

from gateway.deliveries.errors import RefusedError, RefusedForNowError, UnreachableError
from gateway.dimse.calling import BROKEN_OFF, CalledEntity, associated, echo
from gateway.dimse.heads import Failure, HeadRefusedError
from gateway.dimse.server import STORAGE_CLASSES, TRANSFER_SYNTAXES
from gateway.pulls.archive import MOST_STUDIES, ArchivedSeries, ArchivedStudy, Patience
from gateway.pulls.models import Retrieval, Source
from gateway.pulls.receiver import Receiver
from gateway.pulls.wanted import Wanted
from ictus.imaging.dicom import text

FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"

_SYNTAXES: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_SUCCESS: Final = 0x0000
_PENDING: Final = frozenset({0xFF00, 0xFF01})
_SOME_FAILED: Final = 0xB000
_DESTINATION_UNKNOWN: Final = 0xA801
_FINAL: Final = frozenset({_DESTINATION_UNKNOWN, 0xA900, 0x0122, 0x0124, 0x0211, 0x0212})
"""Not our AE title, the identifier does not fit, no such class, not allowed, no such operation (PS3.4 C.4, PS3.7 C.5)."""
_MOST_SERIES: Final = 1000


class QueryRetrieve:
    """An archive that speaks DIMSE."""

    def __init__(self, source: Source, secret: str | None, patience: Patience) -> None:  # noqa: ARG002
        self._called = CalledEntity(
            host=source.host or "",
            port=source.port or 0,
            ae_title=source.remote_name,
            calling=source.own_name,
            tls=source.tls,
        )
        self._retrieval = source.retrieval
        self._move_destination = source.move_destination
        self._patience = patience

    def find(self, wanted: Wanted) -> Sequence[ArchivedStudy]:
        """C-FIND on the level of studies. Raises as ``Archive`` says."""
        query = Dataset()
        query.QueryRetrieveLevel = "STUDY"
        query.StudyInstanceUID = wanted.study_instance_uid or ""
        query.AccessionNumber = wanted.accession_number or ""
        query.PatientID = ""
        if not (wanted.accession_number or "").isascii():
            query.SpecificCharacterSet = "ISO_IR 192"
        return [
            ArchivedStudy(text(one, "StudyInstanceUID"), text(one, "AccessionNumber"), text(one, "PatientID"))
            for one in self._asked(query, MOST_STUDIES)
        ]

    def series(self, study_instance_uid: str) -> Sequence[ArchivedSeries]:
        """C-FIND on the level of series. Raises as ``Archive`` says."""
        query = Dataset()
        query.QueryRetrieveLevel = "SERIES"
        query.StudyInstanceUID = study_instance_uid
        query.SeriesInstanceUID = query.Modality = ""
        query.NumberOfSeriesRelatedInstances = None
        return [
            ArchivedSeries(text(one, "SeriesInstanceUID"), text(one, "Modality"), _count(one))
            for one in self._asked(query, _MOST_SERIES)
        ]

    def fetch(
        self, study_instance_uid: str, series: Sequence[ArchivedSeries], receiver: Receiver
    ) -> int | None:
        """C-MOVE to our listener, or C-GET. Raises as ``Archive`` says."""
        identifiers = [_of_series(study_instance_uid, one.series_instance_uid) for one in series]
        if self._retrieval is Retrieval.GET:
            self._get(identifiers, receiver)
            return None
        return self._move(identifiers, receiver)

    def test(self) -> str:
        """C-ECHO."""
        return echo(self._called, self._patience.connect)

    def _asked(self, query: Dataset, most: int) -> Sequence[Dataset]:
        found: list[Dataset] = []
        with associated(
            self._called, {FIND: _SYNTAXES}, self._patience.connect, silence=self._patience.silence
        ) as association:
            for status, identifier in _answers(partial(association.send_c_find, query, FIND), "C-FIND"):
                if status in _PENDING and identifier is not None:
                    found.append(identifier)
                    if len(found) == most:
                        association.abort()  # what it would still tell is not looked at
                        break
                elif status != _SUCCESS:
                    raise _refusal("C-FIND", status)
        return found

    def _move(self, identifiers: Sequence[Dataset], receiver: Receiver) -> int:
        sent = 0
        with associated(
            self._called, {MOVE: _SYNTAXES}, self._patience.connect, silence=self._patience.silence
        ) as association:
            for identifier in identifiers:
                send = partial(association.send_c_move, identifier, self._move_destination, MOVE)
                for status, completed in _suboperations(send, "C-MOVE", self._move_destination):
                    receiver.progress(sent + completed)
                    if status not in _PENDING:
                        sent += completed
        return sent

    def _get(self, identifiers: Sequence[Dataset], receiver: Receiver) -> None:
        contexts: dict[str, Sequence[str]] = {GET: _SYNTAXES} | dict.fromkeys(
            STORAGE_CLASSES, TRANSFER_SYNTAXES
        )
        roles = [build_role(storage_class, scp_role=True) for storage_class in STORAGE_CLASSES]
        with associated(
            self._called,
            contexts,
            self._patience.connect,
            silence=self._patience.silence,
            roles=roles,
            handlers=[(EVT_C_STORE, partial(_store, receiver))],
        ) as association:
            for identifier in identifiers:
                send = partial(association.send_c_get, identifier, GET)
                for _ in _suboperations(send, "C-GET", self._called.calling):
                    pass


def _store(receiver: Receiver, event: Event) -> int:
    """One instance of a C-GET: kept, or refused by the statuses that the listener has."""
    file = receiver.folder / "instance"
    try:
        file.write_bytes(event.encoded_dataset())
        receiver.keep(file)
    except HeadRefusedError as error:
        return int(error.reason)
    except OSError:
        return int(Failure.OUT_OF_RESOURCES)
    finally:
        file.unlink(missing_ok=True)
    return _SUCCESS


def _suboperations(send: Any, operation: str, own_title: str) -> Iterator[tuple[int, int]]:
    """Statuses of a retrieval with how many instances were sent; raises unless the last one says: all of them."""
    for answer, _ in _guarded(send, operation):
        if "Status" not in answer:
            raise UnreachableError(BROKEN_OFF)
        status = int(answer.Status)
        completed = _number(answer, "NumberOfCompletedSuboperations") + _number(
            answer, "NumberOfWarningSuboperations"
        )
        failed = _number(answer, "NumberOfFailedSuboperations")
        if status == _SOME_FAILED or (status == _SUCCESS and failed):
            raise RefusedForNowError(
                f"The archive could not send {failed} of {failed + completed} images of a series."
            )
        if status == _DESTINATION_UNKNOWN:
            raise RefusedError(
                f"The archive does not know us: the AE title {own_title} must be entered there."
            )
        if status != _SUCCESS and status not in _PENDING:
            raise _refusal(operation, status)
        yield status, completed


def _answers(send: Any, operation: str) -> Iterator[tuple[int, Dataset | None]]:
    for answer, identifier in _guarded(send, operation):
        if "Status" not in answer:
            raise UnreachableError(BROKEN_OFF)
        yield int(answer.Status), identifier


def _guarded(send: Any, operation: str) -> Iterator[tuple[Dataset, Dataset | None]]:
    """What pynetdicom yields, with its errors as ours."""
    try:
        yield from send()
    except ValueError as error:  # no presentation context was accepted for it
        raise RefusedError(f"The archive does not offer {operation}.") from error
    except RuntimeError as error:
        raise UnreachableError(BROKEN_OFF) from error


def _refusal(operation: str, status: int) -> RefusedError | RefusedForNowError:
    kind = RefusedError if status in _FINAL else RefusedForNowError
    return kind(f"The archive answered {operation} with status {status:04X}.")


def _of_series(study_instance_uid: str, series_instance_uid: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "SERIES"
    identifier.StudyInstanceUID = study_instance_uid
    identifier.SeriesInstanceUID = series_instance_uid
    return identifier


def _count(found: Dataset) -> int | None:
    written = text(found, "NumberOfSeriesRelatedInstances")
    return int(written) if written.isascii() and written.isdecimal() else None


def _number(answer: Dataset, keyword: str) -> int:
    value = answer.get(keyword)
    return int(value) if value is not None else 0
