"""An archive that studies are fetched from, for real, in the test's own process: C-FIND, C-MOVE and C-GET SCP."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from tests.receivers import LOOPBACK

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
GET = "1.2.840.10008.5.1.4.1.2.2.3"
VERIFICATION = "1.2.840.10008.1.1"

_KEYS = {
    "STUDY": ("StudyInstanceUID", "AccessionNumber", "PatientID"),
    "SERIES": ("StudyInstanceUID", "SeriesInstanceUID", "Modality"),
}


@dataclass
class ServingArchive:
    """What it holds, whom it knows, and how it misbehaves.

    Attributes:
        destinations: port by AE title of those that C-MOVE may name.
        ignored_keys: keys of C-FIND that it takes for fitting all.
        lost: so many instances of the next retrieval cannot be sent.
        asked: operations, in order.
    """

    port: int = 0
    instances: list[Dataset] = field(default_factory=list)
    destinations: dict[str, int] = field(default_factory=dict)
    ignored_keys: set[str] = field(default_factory=set)
    lost: int = 0
    asked: list[str] = field(default_factory=list)
    _server: Any = None

    def hold(self, *files: bytes) -> list[Dataset]:
        """Take files in."""
        taken = [pydicom.dcmread(BytesIO(content)) for content in files]
        self.instances += taken
        return taken

    def start(self) -> None:
        """Listen, at the same port as before if there was one."""
        entity = AE(ae_title="PACS")
        for operation in (VERIFICATION, FIND, MOVE, GET):
            entity.add_supported_context(operation)
        for storage_class in {str(one.SOPClassUID) for one in self.instances}:
            entity.add_supported_context(storage_class, scu_role=True, scp_role=True)
            entity.add_requested_context(storage_class)
        handlers = [
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_GET, self._get),
        ]
        self._server = entity.start_server((LOOPBACK, self.port), block=False, evt_handlers=handlers)
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _fitting(self, wanted: Dataset) -> list[Dataset]:
        keys = [
            key
            for key in _KEYS[wanted.QueryRetrieveLevel]
            if wanted.get(key) and key not in self.ignored_keys
        ]
        return [one for one in self.instances if all(one.get(key) == wanted.get(key) for key in keys)]

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        wanted = event.identifier
        level = wanted.QueryRetrieveLevel
        self.asked.append(f"C-FIND {level}")
        unique = "StudyInstanceUID" if level == "STUDY" else "SeriesInstanceUID"
        fitting = self._fitting(wanted)
        for uid in dict.fromkeys(one.get(unique) for one in fitting):
            of_it = [one for one in fitting if one.get(unique) == uid]
            told = Dataset()
            told.QueryRetrieveLevel = level
            for key in _KEYS[level]:
                setattr(told, key, of_it[0].get(key, ""))
            if level == "SERIES":
                told.NumberOfSeriesRelatedInstances = len(of_it)
            yield 0xFF00, told

    def _sent(self, fitting: list[Dataset]) -> Iterable[tuple[int, Dataset | None]]:
        lost, self.lost = self.lost, 0
        unknown = Dataset()  # nobody has agreed on its class, so it cannot be sent
        unknown.SOPClassUID = unknown.SOPInstanceUID = "1.2.3"
        for number, instance in enumerate(fitting):
            yield 0xFF00, unknown if number < lost else instance

    def _move(self, event: Any) -> Iterator[Any]:
        self.asked.append(f"C-MOVE {event.identifier.QueryRetrieveLevel}")
        port = self.destinations.get(str(event.move_destination).strip())
        yield (LOOPBACK, port) if port is not None else (None, None)
        fitting = self._fitting(event.identifier)
        yield len(fitting)
        yield from self._sent(fitting)

    def _get(self, event: Any) -> Iterator[Any]:
        self.asked.append(f"C-GET {event.identifier.QueryRetrieveLevel}")
        fitting = self._fitting(event.identifier)
        yield len(fitting)
        yield from self._sent(fitting)


@contextmanager
def serving_archive(*files: bytes) -> Iterator[ServingArchive]:
    """An archive that holds these files."""
    archive = ServingArchive()
    archive.hold(*files)
    archive.start()
    try:
        yield archive
    finally:
        archive.stop()
