"""How each kind of destination is spoken to. What an answer proves is decided here."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gateway.deliveries.dicom_store import DicomStore
from gateway.deliveries.models import Destination, DestinationKind
from gateway.deliveries.parcel import Parcel
from gateway.deliveries.stow import Stow
from gateway.deliveries.webhook import Webhook
from gateway.hl7.sender import Hl7Mllp
from gateway.identity import IdentityCipher


class Sender(Protocol):
    """Speaks to one destination, within its time-outs."""

    def send(self, parcel: Parcel) -> str:
        """Send; what the receiver answered, as proof.

        Raises:
            UnreachableError, RefusedForNowError, RefusedError: it has not taken it.
        """

    def test(self) -> str:
        """Ask whether it is there, without a patient. Raises as ``send`` does."""


SENDERS: Final[Mapping[DestinationKind, Callable[[Destination, str | None, float], Sender]]] = {
    DestinationKind.DICOM_STORE: DicomStore,
    DestinationKind.STOW: Stow,
    DestinationKind.HL7_MLLP: Hl7Mllp,
    DestinationKind.WEBHOOK: Webhook,
}


def sender_of(destination: Destination, cipher: IdentityCipher, seconds: float) -> Sender:
    """The sender for a destination.

    Args:
        destination: where to.
        cipher: opens its secret.
        seconds: how long it may be silent.
    """
    secret = None if destination.secret is None else cipher.decrypt(destination.secret)
    return SENDERS[destination.kind](destination, secret, seconds)
