"""Another system that speaks SMART backend services, for the gateway's tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from httpx import Response
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tests.gateway.installation import Installation, new_browser

from ictus.domain.enums import Role

TOKEN = "/api/v1/oauth/token"
CLIENTS = "/api/v1/admin/oauth-clients"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def elliptic_key(kid: str = "key-1") -> ECKey:
    """A new key pair for ES384."""
    return ECKey.generate_key("P-384", {"kid": kid})


def rsa_key(kid: str = "key-1", bits: int = 2048) -> RSAKey:
    """A new key pair for RS384."""
    return RSAKey.generate_key(bits, {"kid": kid})


@dataclass
class BackendSystem:
    """A registered client with its private key."""

    installation: Installation
    client_id: str
    site_id: UUID
    key: ECKey | RSAKey
    audience: str = "http://testserver" + TOKEN
    browser: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = new_browser(self.installation.app)

    @classmethod
    def register(
        cls,
        installation: Installation,
        scopes: Sequence[str],
        *,
        key: ECKey | RSAKey | None = None,
        site_id: UUID | None = None,
    ) -> "BackendSystem":
        """As an administrator does it."""
        key = key or elliptic_key()
        site_id = site_id or installation.add_site()
        admin = installation.add_person(Role.ADMIN).sign_in()
        draft = {
            "name": "EHR",
            "site_id": str(site_id),
            "scopes": list(scopes),
            "jwks": {"keys": [key.as_dict(private=False)]},
        }
        answer = admin.post(CLIENTS, json=draft)
        assert answer.status_code == 201, answer.text
        return cls(installation, answer.json()["id"], site_id, key)

    def assertion(self, *, kid: str | None = "key-1", algorithm: str | None = None, **changes: Any) -> str:
        """A signed assertion; keywords change single claims, None takes one out."""
        now = int(self.installation.clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "exp": now + 240,
            "jti": uuid4().hex,
        } | changes
        algorithm = algorithm or ("ES384" if isinstance(self.key, ECKey) else "RS384")
        header = {"alg": algorithm, "typ": "JWT"} | ({} if kid is None else {"kid": kid})
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, present, self.key, algorithms=[algorithm])

    def ask(
        self, scope: str | None = "system/*.rs", assertion: str | None = None, **changes: Any
    ) -> Response:
        """Ask for a token; keywords change single parameters, None takes one out."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        } | changes
        answer: Response = self.browser.post(
            TOKEN, data={name: value for name, value in form.items() if value is not None}
        )
        return answer

    def signed_in(self, scope: str = "system/*.rs") -> TestClient:
        """A machine that sends a new token."""
        answer = self.ask(scope)
        assert answer.status_code == 200, answer.text
        return with_token(self.installation, answer.json()["access_token"])


def with_token(installation: Installation, token: str) -> TestClient:
    """A machine that sends this token."""
    return new_browser(installation.app, headers={"Authorization": f"Bearer {token}"})
