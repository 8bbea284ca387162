"""The listener: C-ECHO and C-STORE SCP (PS3.4 Annexes A and B) for the peers that an administrator has let in.

A C-STORE is answered with 0000 when the instance is on disk and its row committed; everything else is a refusal, whose
status says why (``gateway.dimse.heads.Failure``).
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom import _config as pynetdicom_config
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit.models import ActorKind
from gateway.dimse.calling import VERIFICATION
from gateway.dimse.heads import Failure, HeadRefusedError, is_image_class, read_head
from gateway.dimse.models import DicomPeer
from gateway.dimse.spool import Sender, Spool
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.resources import Resources
from gateway.settings import DimseSettings

SUCCESS: Final = 0x0000

TRANSFER_SYNTAXES: Final = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
)
"""Explicit and implicit VR little endian, explicit VR big endian, JPEG, JPEG-LS, JPEG 2000, RLE. Nothing deflated."""

STORAGE_CLASSES: Final = tuple(
    sorted(
        str(context.abstract_syntax)
        for context in AllStoragePresentationContexts
        if is_image_class(str(context.abstract_syntax))
    )
)
"""Every image storage class that pynetdicom knows; what is no picture to analyse is refused by intake, with a reason."""

_NOBODY: Final = "-no peer at all-"
"""Stands in for an empty list, which pynetdicom takes for everybody."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Received:
    """What came over one association."""

    sender: Sender
    objects: int = 0
    bytes: int = 0


class DicomListener:
    """Listens until ``close``.

    Args:
        resources: the database and the spool's settings.
        settings: address, AE title, limits, TLS.
    """

    def __init__(self, resources: Resources, settings: DimseSettings) -> None:
        self._resources = resources
        self._settings = settings
        self._spool = Spool(resources)
        self._received: dict[int, _Received] = {}
        self._lock = threading.Lock()
        pynetdicom_config.STORE_RECV_CHUNKED_DATASET = True  # to a file as it comes, never whole in memory
        pynetdicom_config.LOG_REQUEST_IDENTIFIERS = False
        pynetdicom_config.LOG_RESPONSE_IDENTIFIERS = False
        self._entity = AE(ae_title=settings.dimse_ae_title)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = [_NOBODY]
        self._entity.maximum_associations = settings.dimse_max_associations
        self._entity.maximum_pdu_size = settings.dimse_max_pdu
        self._entity.acse_timeout = self._entity.dimse_timeout = settings.dimse_idle_seconds
        self._entity.network_timeout = settings.dimse_idle_seconds
        self._entity.add_supported_context(VERIFICATION)
        for storage_class in STORAGE_CLASSES:
            self._entity.add_supported_context(storage_class, list(TRANSFER_SYNTAXES))
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._read_peers),
            (evt.EVT_ACCEPTED, self._begin),
            (evt.EVT_CONN_CLOSE, self._end),
            (evt.EVT_C_ECHO, _answer_echo),
            (evt.EVT_C_STORE, self._store),
        ]
        self._server = self._entity.start_server(
            (settings.dimse_host, settings.dimse_port),
            block=False,
            evt_handlers=handlers,
            ssl_context=tls_context(settings),
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None  # noqa: S101  started above
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Abort what goes on and stop listening; what was answered with 0000 is on disk."""
        self._entity.shutdown()

    def _read_peers(self, _event: Event) -> None:
        """Before an association is looked at: who may call, as the database says now."""
        try:
            titles = list(self._peers())
        except SQLAlchemyError as error:
            _log.warning("dicom_peers_unreadable", exc_info=error)
            titles = []
        self._entity.require_calling_aet = titles or [_NOBODY]

    def _peers(self) -> dict[str, Sender]:
        with self._resources.sessions() as session:
            return {
                peer.ae_title: Sender(ActorKind.DICOM_PEER, peer.id, peer.site_id)
                for peer in session.scalars(select(DicomPeer))
            }

    def _begin(self, event: Event) -> None:
        title = str(event.assoc.requestor.ae_title).strip()
        sender = self._peers().get(title)
        if sender is None:  # removed in this very moment
            event.assoc.abort()
            return
        with self._lock:
            self._received[id(event.assoc)] = _Received(sender)

    def _end(self, event: Event) -> None:
        with self._lock:
            received = self._received.pop(id(event.assoc), None)
        if received is not None and received.objects:
            _log.info("dicom_association_ended", peer_id=str(received.sender.id), objects=received.objects)

    def _store(self, event: Event) -> int:
        with _unlinked(event.dataset_path) as path:
            try:
                self._keep(event, path)
            except HeadRefusedError as error:
                _log.warning("dicom_instance_refused", status=f"{error.reason:04X}")
                return int(error.reason)
            except (SQLAlchemyError, OSError) as error:
                _log.error("dicom_instance_not_kept", exc_info=error)
                return int(Failure.OUT_OF_RESOURCES)
        return SUCCESS

    def _keep(self, event: Event, path: Path) -> None:
        received = self._received[id(event.assoc)]
        size = path.stat().st_size
        within = (
            received.objects < self._settings.dimse_association_objects
            and received.bytes + size <= self._settings.dimse_association_mb * 2**20
            and size <= self._settings.max_upload_mb * 2**20
        )
        if not within or self._is_queue_full():
            raise HeadRefusedError(Failure.OUT_OF_RESOURCES)
        self._spool.refuse_when_full()
        head = read_head(path)
        assert isinstance(event.request, C_STORE)  # noqa: S101  what the handler is bound to
        announced = (str(event.request.AffectedSOPClassUID), str(event.request.AffectedSOPInstanceUID))
        if (head.sop_class_uid, head.sop_instance_uid) != announced:
            raise HeadRefusedError(Failure.MISMATCH, head)
        self._spool.keep(path, head, received.sender)
        received.objects += 1
        received.bytes += size

    def _is_queue_full(self) -> bool:
        most = JobPolicy.of(self._resources.settings).max_queue_length
        with self._resources.sessions() as session:
            return JobRepository(session).queue_length() >= most


def tls_context(settings: DimseSettings) -> ssl.SSLContext | None:
    """TLS by the settings; None when no certificate is given. With a CA, peers must show a certificate of theirs."""
    if settings.dimse_tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.dimse_tls_cert, settings.dimse_tls_key)
    if settings.dimse_tls_ca is not None:
        context.load_verify_locations(settings.dimse_tls_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _answer_echo(_event: Event) -> int:
    return SUCCESS


@contextmanager
def _unlinked(path: Path) -> Iterator[Path]:
    """The file that pynetdicom received; whatever is not moved elsewhere is removed: it names the patient."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
