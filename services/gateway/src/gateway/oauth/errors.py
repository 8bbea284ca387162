"""Refusals of the token endpoint, and of what administrators do with clients."""

from typing import ClassVar

from ictus.domain.errors import IctusError, InvalidRequestError, NotFoundError


class TokenRefusedError(IctusError):
    """No token is given. ``code`` is the ``error`` of RFC 6749, 5.2."""

    code = "invalid_request"
    title = "The request for a token lacks something or says it twice."
    status: ClassVar[int] = 400


class GrantTypeRefusedError(TokenRefusedError):
    """Another grant than client_credentials."""

    code = "unsupported_grant_type"
    title = "Only the grant type client_credentials is given here."


class ScopeRefusedError(TokenRefusedError):
    """Nothing of what was asked for may be given to this client."""

    code = "invalid_scope"
    title = "None of these scopes may be given to this client."


class ClientRefusedError(TokenRefusedError):
    """The client did not prove who it is. The detail says no more than its own key holder may know."""

    code = "invalid_client"
    title = "The client assertion does not prove a known client."
    status = 401


class OAuthClientNotFoundError(NotFoundError):
    """No such client."""

    code = "oauth_client_not_found"
    title = "There is no such OAuth client."


class KeysRefusedError(InvalidRequestError):
    """The key document cannot be registered; the detail says why."""

    code = "keys_refused"
    title = "These keys cannot be registered."
