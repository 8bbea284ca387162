"""``python -m gateway.dimse``: the DICOM listener. ``python -m gateway.dimse --check``: does it answer a C-ECHO."""

import resource
import signal
import sys
import tempfile
import threading

import structlog
from pynetdicom import AE

from gateway.dimse.calling import VERIFICATION
from gateway.dimse.server import DicomListener
from gateway.dimse.spool import spool_root
from gateway.resources import Resources
from gateway.settings import DimseSettings, load_settings
from ictus.telemetry import configure_logging

_log = structlog.get_logger(__name__)


def main() -> int:
    """Listen until told to stop."""
    settings = load_settings(DimseSettings)
    if "--check" in sys.argv[1:]:
        return _check(settings)
    configure_logging("gateway-dimse", settings.log_level)
    root = spool_root(settings)
    # What is being received lies on the spool's disk too, so that keeping it is a rename, and no file outgrows the limit.
    receiving = root.parent / "ictus-receiving"
    receiving.mkdir(mode=0o700, exist_ok=True)
    for left in receiving.iterdir():  # of a process that was killed; none of it was answered for
        left.unlink()
    tempfile.tempdir = str(receiving)
    limit = settings.max_upload_mb * 2**20
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    resources = Resources.create(settings)
    listener = DicomListener(resources, settings)
    _log.info("dicom_listening", port=listener.port, ae_title=settings.dimse_ae_title)
    stop.wait()
    listener.close()
    resources.close()
    return 0


def _check(settings: DimseSettings) -> int:
    """Whether something answers as our AE; a listener that lets no one in answers by a refusal, which counts too."""
    entity = AE(ae_title="HEALTHCHECK")
    entity.add_requested_context(VERIFICATION)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = 5
    association = entity.associate("127.0.0.1", settings.dimse_port, ae_title=settings.dimse_ae_title)
    answered = association.is_rejected
    if association.is_established:
        status = association.send_c_echo()
        answered = bool(status) and status.Status == 0
        association.release()
    return 0 if answered else 1


if __name__ == "__main__":
    sys.exit(main())
