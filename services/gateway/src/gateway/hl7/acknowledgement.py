"""What an acknowledgement proves (HL7 v2.5.1, 2.9.2 and table 0008)."""

from dataclasses import dataclass
from typing import Final, Self

from gateway.deliveries.errors import RefusedError, RefusedForNowError

_TAKEN: Final = frozenset({"AA", "CA"})
_ERRORS: Final = frozenset({"AE", "CE"})
_REJECTED: Final = frozenset({"AR", "CR"})


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The MSA segment: MSA-1 (``code``) and MSA-2 (``control_id``)."""

    code: str
    control_id: str

    @classmethod
    def read(cls, message: bytes) -> Self:
        """Find the MSA segment. Raises ``RefusedForNowError`` when there is none."""
        lines = message.decode("utf-8", errors="replace").split("\r")
        if lines[0].startswith("MSH") and len(lines[0]) > 4:
            separator = lines[0][3]
            for line in lines[1:]:
                name, *fields = line.split(separator)
                if name == "MSA" and len(fields) >= 2:
                    return cls(fields[0].strip(), fields[1].strip())
        raise RefusedForNowError("The HL7 receiver's answer is no acknowledgement.")

    def require_taken(self, control_id: str) -> None:
        """Return when this says that the message was taken; that alone is "sent".

        Raises:
            RefusedForNowError: AE or CE, an unknown code, or the acknowledgement of another message.
            RefusedError: AR or CR.
        """
        if self.control_id != control_id:
            raise RefusedForNowError("The HL7 receiver acknowledged another message (MSA-2).")
        if self.code in _TAKEN:
            return
        if self.code in _REJECTED:
            raise RefusedError(f"The HL7 receiver rejected the message ({self.code}).")
        told = self.code if self.code in _ERRORS else "an unknown code"
        raise RefusedForNowError(f"The HL7 receiver could not process the message ({told}).")
