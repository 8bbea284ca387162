"""Issuing and revoking API keys."""

from collections.abc import Sequence, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.auth.errors import ApiKeyNotFoundError
from gateway.auth.models import ApiKey, Scope
from gateway.auth.repository import ApiKeyRepository
from gateway.auth.secrets import API_KEY_PREFIX, new_api_key, token_hash
from gateway.sites.repository import SiteRepository
from ictus.domain.ids import new_id

_SHOWN = len(API_KEY_PREFIX) + 6


class KeyService:
    """What administrators do with API keys. The caller commits."""

    def __init__(self, session: Session) -> None:
        self._keys = ApiKeyRepository(session)
        self._sites = SiteRepository(session)

    def list(self) -> Sequence[ApiKey]:
        """Every key, newest first."""
        return self._keys.all()

    def issue(
        self,
        name: str,
        site_id: UUID,
        scopes: Set[Scope],
        expires_at: datetime | None,
        *,
        created_by: UUID,
        now: datetime,
    ) -> tuple[str, ApiKey]:
        """Make a key; the secret, which is stored nowhere, and its row. Raises ``SiteNotFoundError``."""
        secret = new_api_key()
        key = ApiKey(
            id=new_id(),
            name=name,
            prefix=secret[:_SHOWN],
            key_hash=token_hash(secret),
            scopes=sorted(scopes),
            site_id=self._sites.require(site_id).id,
            created_by=created_by,
            created_at=now,
            expires_at=expires_at,
        )
        self._keys.add(key)
        return secret, key

    def revoke(self, key_id: UUID, now: datetime) -> None:
        """End a key at once; again changes nothing. Raises ``ApiKeyNotFoundError``."""
        key = self._keys.get(key_id)
        if key is None:
            raise ApiKeyNotFoundError
        key.revoked_at = key.revoked_at or now
