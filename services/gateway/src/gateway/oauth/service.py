"""Giving access tokens to clients that prove who they are, and keeping the clients."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.auth.permissions import Grants
from gateway.auth.secrets import new_access_token, token_hash
from gateway.oauth.assertions import claimed_client, verify
from gateway.oauth.errors import ClientRefusedError, OAuthClientNotFoundError, ScopeRefusedError
from gateway.oauth.keys import registered_keys
from gateway.oauth.models import AccessToken, OAuthClient
from gateway.oauth.repository import OAuthRepository
from gateway.resources import Resources
from gateway.sites.repository import SiteRepository
from ictus.domain.ids import new_id


@dataclass(frozen=True)
class IssuedToken:
    """A new token; ``secret`` goes to the client and is stored nowhere."""

    secret: str
    client: OAuthClient
    words: list[str]
    seconds: int


class TokenService:
    """The token endpoint. The caller commits."""

    def __init__(self, session: Session, resources: Resources) -> None:
        self._clients = OAuthRepository(session)
        self._resources = resources

    def identify(self, assertion: str, audience: str, client_id: str | None = None) -> OAuthClient:
        """Who shows this assertion, which is used up by it.

        Raises:
            ClientRefusedError: it proves nothing, or was shown before.
        """
        claimed = claimed_client(assertion)
        if client_id is not None and not hmac.compare_digest(client_id.encode(), str(claimed).encode()):
            raise ClientRefusedError("'client_id' and the assertion name different clients.")
        client = self._clients.client(claimed, lock=True)
        if client is None or client.revoked_at is not None:
            raise ClientRefusedError("This client is not registered, or its registration was revoked.")
        proof = verify(assertion, client, audience, self._resources.clock())
        if not self._clients.use_assertion(proof.client_id, proof.jti_hash, proof.expires_at):
            raise ClientRefusedError("This assertion has been used before. Sign a new one for each token.")
        return client

    def issue(self, client: OAuthClient, scope: str) -> IssuedToken:
        """A token for what of ``scope`` the client may have. Raises ``ScopeRefusedError`` when that is nothing."""
        registered = Grants.parse(client.scopes, strict=False)
        granted = Grants.parse(scope.split(), strict=False) & registered
        if not granted:
            raise ScopeRefusedError
        now, life = self._resources.clock(), self._resources.settings.access_token_life
        secret = new_access_token()
        words = granted.words()
        self._clients.add(
            AccessToken(
                token_hash=token_hash(secret),
                client_id=client.id,
                scopes=words,
                issued_at=now,
                expires_at=now + life,
            )
        )
        client.last_used_at = now
        return IssuedToken(secret, client, words, int(life.total_seconds()))


class ClientService:
    """What administrators do with OAuth clients. The caller commits."""

    def __init__(self, session: Session) -> None:
        self._clients = OAuthRepository(session)
        self._sites = SiteRepository(session)

    def list(self) -> Sequence[OAuthClient]:
        """Every client, newest first."""
        return self._clients.clients()

    def register(
        self,
        name: str,
        site_id: UUID,
        scopes: Sequence[str],
        jwks: dict[str, Any],
        *,
        created_by: UUID,
        now: datetime,
    ) -> OAuthClient:
        """Make a client. Raises ``SiteNotFoundError``, ``ScopeUnknownError``, ``KeysRefusedError``."""
        client = OAuthClient(
            id=new_id(),
            name=name,
            jwks=registered_keys(jwks),
            scopes=Grants.parse(scopes, strict=True).words(),
            site_id=self._sites.require(site_id).id,
            created_by=created_by,
            created_at=now,
        )
        self._clients.add(client)
        return client

    def replace_keys(self, client_id: UUID, jwks: dict[str, Any]) -> OAuthClient:
        """Put other keys; tokens that were given stay. Raises ``OAuthClientNotFoundError``, ``KeysRefusedError``."""
        client = self._require(client_id)
        client.jwks = registered_keys(jwks)
        return client

    def revoke(self, client_id: UUID, now: datetime) -> None:
        """End a client and all its tokens at once; again changes nothing. Raises ``OAuthClientNotFoundError``."""
        client = self._require(client_id)
        client.revoked_at = client.revoked_at or now
        self._clients.end_tokens(client.id)

    def _require(self, client_id: UUID) -> OAuthClient:
        client = self._clients.client(client_id, lock=True)
        if client is None:
            raise OAuthClientNotFoundError
        return client
