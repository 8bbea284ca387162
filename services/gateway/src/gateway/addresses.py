"""Under which address people and other systems reach this gateway."""

from starlette.requests import Request

from gateway.settings import GatewaySettings
from ictus.domain.errors import UnavailableError


class PublicAddressMissingError(UnavailableError):
    """What this needs to know is under which address it is reached; a request's own word proves nothing."""

    code = "public_address_missing"
    title = "This installation does not know its own address. An administrator must set ICTUS_PUBLIC_URL."


def base_address(request: Request, settings: GatewaySettings) -> str:
    """The address without a slash at the end, for links in an answer to this very request."""
    return str(settings.public_url or request.base_url).rstrip("/")


def proven_address(request: Request, settings: GatewaySettings) -> str:
    """The address as this installation was told it, for what is decided by it.

    Without TLS the gateway is reached by loopback only, and the request may say which port.

    Raises:
        PublicAddressMissingError: it was not told.
    """
    if settings.public_url is None and settings.tls:
        raise PublicAddressMissingError
    return base_address(request, settings)
