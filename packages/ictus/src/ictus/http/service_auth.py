"""Service-to-service authentication: one bearer token for each direction, from the settings of both sides."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ictus.domain.errors import UnauthenticatedError

MINIMUM_TOKEN_LENGTH = 32

_bearer = HTTPBearer(
    scheme_name="ServiceToken", description="The token shared with one other service.", auto_error=False
)


class ServiceTokenError(UnauthenticatedError):
    """The service token is missing or wrong."""

    code = "service_token_refused"
    title = "This address is for other services only, and the token is missing or wrong."


class ServiceToken:
    """A dependency that lets only the holder of ``token`` pass.

    Example: ``APIRouter(prefix="/internal/v1", dependencies=[Depends(ServiceToken(settings.token))])``.
    """

    def __init__(self, token: str) -> None:
        if len(token) < MINIMUM_TOKEN_LENGTH:
            raise ValueError(f"a service token has at least {MINIMUM_TOKEN_LENGTH} characters")
        self._token = token.encode()

    def __call__(self, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Raise ``ServiceTokenError`` unless the request carries the token."""
        if sent is None or not compare_digest(sent.credentials.encode(), self._token):
            raise ServiceTokenError
