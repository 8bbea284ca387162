"""How a delivery can end otherwise than delivered, and what administrators can do wrong."""

from ictus.domain.errors import ConflictError, IctusError, InvalidRequestError, NotFoundError


class UnreachableError(IctusError):
    """The destination does not answer, or breaks off. Nothing else for it is worth trying now."""

    code = "destination_unreachable"
    title = "The destination does not answer."
    status = 502


class RefusedForNowError(IctusError):
    """The destination answered that it cannot take this now; it is tried again."""

    code = "destination_busy"
    title = "The destination could not take it at the moment."
    status = 502


class RefusedError(IctusError):
    """The destination answered that it does not take this; trying again changes nothing."""

    code = "destination_refused"
    title = "The destination does not take it."
    status = 502


class NothingToSendError(IctusError):
    """There is nothing that this destination could get of the result, or a newer report has taken its place."""

    code = "nothing_to_send"
    title = "There is nothing to send."
    status = 409


class DestinationNotFoundError(NotFoundError):
    """No such destination at this site."""

    code = "destination_not_found"
    title = "There is no such destination."


class DeliveryNotFoundError(NotFoundError):
    """No such delivery at this site."""

    code = "delivery_not_found"
    title = "There is no such delivery."


class DestinationInvalidError(InvalidRequestError):
    """What a kind of destination needs is missing, or cannot be."""

    code = "destination_invalid"
    title = "The destination is not described completely."


class DeliveryOpenError(ConflictError):
    """The delivery has not ended yet."""

    code = "delivery_open"
    title = "This delivery has not ended yet: it is sent by itself."
