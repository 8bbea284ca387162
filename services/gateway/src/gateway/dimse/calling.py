"""Calling another application entity: an association for as long as its context lasts."""

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from gateway.deliveries.errors import RefusedError, UnreachableError

logging.getLogger("pynetdicom").setLevel(logging.WARNING)  # it logs what objects are called

BROKEN_OFF: Final = "The archive broke off the connection."
VERIFICATION: Final = "1.2.840.10008.1.1"


@dataclass(frozen=True, slots=True)
class CalledEntity:
    """Where an application entity listens, its AE title, and the one that we call by."""

    host: str
    port: int
    ae_title: str
    calling: str
    tls: bool


@contextmanager
def associated(
    called: CalledEntity,
    contexts: dict[str, Sequence[str]],
    seconds: float,
    *,
    silence: float | None = None,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Association]:
    """An association.

    Args:
        called: whom to call.
        contexts: transfer syntaxes by SOP class.
        seconds: until the connection stands.
        silence: seconds without a word on it; ``seconds`` when None.
        roles: SOP classes of which we are SCP (PS3.7 D.3.3.4).
        handlers: pynetdicom's, for what the other side asks of us.

    Raises:
        UnreachableError: there is none.
    """
    entity = AE(ae_title=called.calling)
    entity.connection_timeout = entity.acse_timeout = seconds
    entity.dimse_timeout = entity.network_timeout = silence or seconds
    for sop_class, syntaxes in contexts.items():
        entity.add_requested_context(sop_class, list(syntaxes))
    opened = entity.associate(
        called.host,
        called.port,
        ae_title=called.ae_title,
        tls_args=(ssl.create_default_context(), called.host) if called.tls else None,
        ext_neg=list(roles),
        evt_handlers=list(handlers),
    )
    if not opened.is_established:
        told = "refused the connection" if opened.is_rejected else "does not answer"
        raise UnreachableError(f"The archive {told}.")
    try:
        yield opened
    finally:
        opened.release()


def echo(called: CalledEntity, seconds: float) -> str:
    """C-ECHO (PS3.4 Annex A); what was answered.

    Raises:
        UnreachableError, RefusedError: not success.
    """
    syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    with associated(called, {VERIFICATION: syntaxes}, seconds) as opened:
        answer = opened.send_c_echo()
        if "Status" not in answer:
            raise UnreachableError(BROKEN_OFF)
        if answer.Status != 0:
            raise RefusedError(f"The archive answered C-ECHO with status {answer.Status:04X}.")
    return "C-ECHO 0000"
