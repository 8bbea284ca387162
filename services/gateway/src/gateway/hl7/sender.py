"""The sender of results to an HL7 receiver."""

from gateway.deliveries.errors import NothingToSendError
from gateway.deliveries.models import Destination
from gateway.deliveries.parcel import Parcel, contents
from gateway.dicom_objects.instances import ObjectKind
from gateway.hl7.acknowledgement import Acknowledgement
from gateway.hl7.message import Endpoints, control_id, result_message
from gateway.hl7.mllp import MllpAddress, MllpClient


class Hl7Mllp:
    """Sends ORU^R01 over MLLP; MSA-1 AA or CA of this very message is the proof."""

    def __init__(self, destination: Destination, secret: str | None, seconds: float) -> None:  # noqa: ARG002
        address = MllpAddress(destination.host or "", destination.port or 0, destination.tls)
        self._client = MllpClient(address, seconds)
        self._own_name, self._remote_name = destination.own_name, destination.remote_name
        self._with_report = ObjectKind.PDF in contents(destination)

    def send(self, parcel: Parcel) -> str:
        """Send one message. Raises as ``Sender.send`` does."""
        if parcel.origin is None:
            raise NothingToSendError
        control = control_id(parcel.message_id)
        ends = Endpoints(self._own_name, parcel.origin.site_name, self._remote_name)
        message = result_message(parcel.origin, ends, control, parcel.pdf if self._with_report else None)
        answer = Acknowledgement.read(self._client.exchange(message))
        answer.require_taken(control)
        return f"MSA-1 {answer.code}"

    def test(self) -> str:
        """Connect and hang up: no message is harmless to every receiver."""
        self._client.connect()
        return "connected"
