"""``/api/v1/admin/dicom-peers`` and ``/api/v1/admin/incoming-studies``."""

from gateway.dimse.peers import router

__all__ = ["router"]
