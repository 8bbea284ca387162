"""Service-to-service authentication: one bearer token for each direction, from the settings of both sides."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
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
        self._token = _checked(token)

    def __call__(self, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Raise ``ServiceTokenError`` unless the request carries the token."""
        if sent is None or not compare_digest(sent.credentials.encode(), self._token):
            raise ServiceTokenError


class ServiceTokens:
    """A dependency that lets the holders of several tokens pass and gives the name of the one who asks.

    The name also stands in ``request.state.service``, for whoever writes down who did what.

    Args:
        tokens: by the name of the service that holds it, each another one.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {name: _checked(token) for name, token in tokens.items()}
        if len(set(self._tokens.values())) != len(self._tokens):
            raise ValueError("each service has a token of its own")

    def __call__(
        self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> str:
        """Raise ``ServiceTokenError`` unless the request carries one of the tokens."""
        shown = b"" if sent is None else sent.credentials.encode()
        found = [name for name, token in self._tokens.items() if compare_digest(shown, token)]
        if not found:
            raise ServiceTokenError
        request.state.service = found[0]
        return found[0]


def _checked(token: str) -> bytes:
    if len(token) < MINIMUM_TOKEN_LENGTH:
        raise ValueError(f"a service token has at least {MINIMUM_TOKEN_LENGTH} characters")
    return token.encode()
