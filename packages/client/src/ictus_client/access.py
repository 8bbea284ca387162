"""How a program shows who it is: an API key, or an access token by a key of its own (SMART backend services)."""

import time
import uuid
from collections.abc import Callable, Generator
from typing import Final

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from ictus_client.errors import refusal_of

_SPARE: Final = 30.0
"""Seconds before its end at which a token is renewed."""


class ApiKey(httpx.Auth):
    """A key that an administrator issued, ``ictus_…``."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key."""
        request.headers["Authorization"] = self._header
        yield request


class BackendService(httpx.Auth):
    """Access tokens by client credentials with ``private_key_jwt`` (SMART App Launch 2.2, Backend Services).

    Args:
        token_url: of the token endpoint, as ``.well-known/smart-configuration`` names it.
        client_id: that an administrator registered.
        key: the private key whose public half is registered, with its ``kid``; P-384 or RSA.
        scope: what is asked for.
        clock: gives seconds since the epoch.
    """

    requires_response_body = True

    def __init__(
        self,
        token_url: str,
        client_id: str,
        key: ECKey | RSAKey,
        scope: str = "system/*.rs",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._key = key
        self._scope = scope
        self._clock = clock
        self._token = ""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask for a token when there is none that lasts, then add it; once more when it has been revoked."""
        if self._clock() >= self._until:
            self._take((yield self._asked()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._take((yield self._asked()))
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _asked(self) -> httpx.Request:
        now = int(self._clock())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._token_url,
            "iat": now,
            "exp": now + 240,
            "jti": uuid.uuid4().hex,
        }
        algorithm = "RS384" if isinstance(self._key, RSAKey) else "ES384"
        assertion = jwt.encode(
            {"alg": algorithm, "kid": self._key.kid}, claims, self._key, algorithms=[algorithm]
        )
        return httpx.Request(
            "POST",
            self._token_url,
            data={
                "grant_type": "client_credentials",
                "scope": self._scope,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            },
        )

    def _take(self, answer: httpx.Response) -> None:
        if answer.is_error:
            raise refusal_of(answer)
        granted = answer.json()
        self._token = str(granted["access_token"])
        self._until = self._clock() + float(granted.get("expires_in", 0)) - _SPARE
