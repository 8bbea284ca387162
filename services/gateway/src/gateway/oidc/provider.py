"""The provider: its metadata and keys (OpenID Connect Discovery 1.0), and what it says of a person (Core 1.0)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import httpx
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from gateway.oidc.errors import ProviderSignInRefusedError, ProviderUnavailableError

_FRESH: Final = timedelta(hours=1)
_TIMEOUT: Final = 5.0
_CLOCK_SKEW: Final = 30
_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "EdDSA"})

_log = structlog.get_logger(__name__)


class ProviderMetadata(BaseModel):
    """What of the provider's metadata is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    id_token_signing_alg_values_supported: list[str] = ["RS256"]


@dataclass(frozen=True)
class _Known:
    metadata: ProviderMetadata
    keys: KeySet
    at: datetime


@dataclass(frozen=True)
class Departure:
    """Where a browser is sent, and what must be kept until it comes back."""

    address: str
    state: str


class OidcProvider:
    """One provider, asked when something of it is needed and remembered for an hour.

    Args:
        issuer: its address; the metadata must name the same.
        client_id: of this installation there.
        client_secret: likewise; None for a public client, which PKCE protects.
        scopes: separated by spaces.
        clock: gives the present time.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scopes: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._clock = clock
        self._lock = Lock()
        self._known: _Known | None = None

    def depart(self, redirect_uri: str, nonce: str, code_verifier: str) -> Departure:
        """Begin a sign-in. Raises ``ProviderUnavailableError``."""
        metadata = self._provider().metadata
        with self._client(redirect_uri) as client:
            address, state = client.create_authorization_url(
                metadata.authorization_endpoint, nonce=nonce, code_verifier=code_verifier
            )
        return Departure(address, state)

    def claims(self, redirect_uri: str, code: str, nonce: str, code_verifier: str) -> dict[str, Any]:
        """What the provider says of who has signed in there.

        Raises:
            ProviderUnavailableError: it does not answer.
            ProviderSignInRefusedError: it does not know the code, or its ID token proves nothing.
        """
        metadata = self._provider().metadata
        try:
            with self._client(redirect_uri) as client:
                answer = client.fetch_token(metadata.token_endpoint, code=code, code_verifier=code_verifier)
        except httpx.HTTPError as error:
            raise self._unavailable(error) from error
        except (AuthlibBaseError, ValueError) as error:
            _log.warning("oidc_code_refused", exc_info=error)
            raise ProviderSignInRefusedError from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderSignInRefusedError
        return self._verified(token, nonce)

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        """Core 1.0, 3.1.3.7."""
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
            known = self._provider(knowing=kid if isinstance(kid, str) else None)
            allowed = _ALGORITHMS & set(known.metadata.id_token_signing_alg_values_supported)
            decoded = jwt.decode(token, known.keys, algorithms=sorted(allowed))
            jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                leeway=_CLOCK_SKEW,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self._client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(decoded.claims)
        except (JoseError, ValueError, TypeError) as error:
            _log.warning("oidc_id_token_refused", exc_info=error)
            raise ProviderSignInRefusedError from None
        claims = decoded.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client_id) != self._client_id:
            raise ProviderSignInRefusedError
        return claims

    def _provider(self, knowing: str | None = None) -> _Known:
        """Metadata and keys; asked for again when they are old, or do not have the key that is asked for."""
        with self._lock:
            now, known = self._clock(), self._known
            if known is not None and now - known.at < _FRESH and _has_key(known.keys, knowing):
                return known
            try:
                self._known = self._ask(now)
            except (httpx.HTTPError, ValidationError, JoseError, ValueError, KeyError) as error:
                raise self._unavailable(error) from error
            return self._known

    def _ask(self, now: datetime) -> _Known:
        with httpx.Client(timeout=_TIMEOUT) as client:
            told = client.get(
                self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            ).raise_for_status()
            metadata = ProviderMetadata.model_validate_json(told.content)
            if metadata.issuer != self.issuer:
                raise ValueError("the metadata is another issuer's")
            keys = client.get(metadata.jwks_uri).raise_for_status().json()
        return _Known(metadata, KeySet.import_key_set(keys), now)

    def _client(self, redirect_uri: str) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret,
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            scope=self._scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT,
        )

    def _unavailable(self, error: Exception) -> ProviderUnavailableError:
        _log.warning("oidc_provider_unavailable", exc_info=error)
        return ProviderUnavailableError(retry_after=5)


def _has_key(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys)
