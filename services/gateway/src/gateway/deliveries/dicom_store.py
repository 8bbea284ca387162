"""C-STORE SCU (PS3.4 Annex B): objects to an archive, each proven by the status of its response."""

from contextlib import AbstractContextManager
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.association import Association

from gateway.deliveries.errors import RefusedError, RefusedForNowError, UnreachableError
from gateway.deliveries.models import Destination
from gateway.deliveries.parcel import Parcel, contents
from gateway.dimse.calling import BROKEN_OFF, CalledEntity, associated, echo

_STORED: Final = frozenset({0x0000, 0x0111, 0xB000, 0xB006, 0xB007})
"""Success; the same object is there already (PS3.7 C.5.6); stored with a warning (PS3.4 B.2.3)."""
_OUT_OF_RESOURCES: Final = 0xA700
_PROCESSING_FAILURE: Final = 0x0110
_SYNTAXES: Final = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


class DicomStore:
    """Stores objects at an application entity."""

    def __init__(self, destination: Destination, secret: str | None, seconds: float) -> None:  # noqa: ARG002
        self._called = CalledEntity(
            host=destination.host or "",
            port=destination.port or 0,
            ae_title=destination.remote_name,
            calling=destination.own_name,
            tls=destination.tls,
        )
        self._content = contents(destination)
        self._seconds = seconds

    def send(self, parcel: Parcel) -> str:
        """Store every object over one association. Raises as ``Sender.send`` does."""
        # All are made before the archive is called: it would hang up on somebody who is silent while drawing.
        objects = list(parcel.objects(self._content))
        with self._association([one.SOPClassUID for one in objects]) as association:
            proofs = [self._store(association, one) for one in objects]
        return "C-STORE " + ", ".join(proofs)

    def test(self) -> str:
        """C-ECHO (PS3.4 Annex A)."""
        return echo(self._called, self._seconds)

    @staticmethod
    def _store(association: Association, built: Dataset) -> str:
        name = f"{built.Modality} {built.SOPClassUID.name}"
        try:
            answer = association.send_c_store(built)
        except ValueError as error:  # no presentation context was accepted for it
            raise RefusedError(
                f"The archive does not take objects of the kind {built.SOPClassUID.name}."
            ) from error
        except RuntimeError as error:
            raise UnreachableError(BROKEN_OFF) from error
        if "Status" not in answer:
            raise UnreachableError(BROKEN_OFF)
        status = int(answer.Status)
        if status in _STORED:
            return f"{built.Modality} {status:04X}"
        told = f"The archive answered C-STORE of {name} with status {status:04X}."
        if status == _PROCESSING_FAILURE or status & 0xFF00 == _OUT_OF_RESOURCES:
            raise RefusedForNowError(told)
        raise RefusedError(told)

    def _association(self, sop_classes: list[str]) -> AbstractContextManager[Association]:
        return associated(self._called, dict.fromkeys(sop_classes, _SYNTAXES), self._seconds)
