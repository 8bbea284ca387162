"""The SQL of OAuth clients, assertions and tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.oauth.models import AccessToken, OAuthClient, UsedAssertion


class OAuthRepository:
    """OAuth within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: OAuthClient | AccessToken) -> None:
        """Add a client or a token."""
        self._session.add(row)
        self._session.flush()

    def client(self, client_id: UUID, *, lock: bool = False) -> OAuthClient | None:
        """A client by id; ``lock`` keeps it from being revoked until the transaction ends."""
        return self._session.get(
            OAuthClient,
            client_id,
            with_for_update={"key_share": True} if lock else None,
            populate_existing=lock,
        )

    def clients(self) -> Sequence[OAuthClient]:
        """Every client, newest first."""
        query = select(OAuthClient).order_by(OAuthClient.created_at.desc(), OAuthClient.id)
        return self._session.scalars(query).all()

    def use_assertion(self, client_id: UUID, jti_hash: bytes, expires_at: datetime) -> bool:
        """Note that an assertion was shown; False when it was before."""
        used = (
            insert(UsedAssertion)
            .values(client_id=client_id, jti_hash=jti_hash, expires_at=expires_at)
            .on_conflict_do_nothing()
            .returning(UsedAssertion.client_id)
        )
        return self._session.scalar(used) is not None

    def live_token(self, token_hash: bytes, now: datetime) -> AccessToken | None:
        """A token that is not over, of a client that is not revoked."""
        return self._session.scalar(
            select(AccessToken)
            .join(OAuthClient, OAuthClient.id == AccessToken.client_id)
            .where(
                AccessToken.token_hash == token_hash,
                AccessToken.expires_at > now,
                OAuthClient.revoked_at.is_(None),
            )
        )

    def end_tokens(self, client_id: UUID) -> None:
        """End every token of a client."""
        self._session.execute(delete(AccessToken).where(AccessToken.client_id == client_id))

    def purge(self, now: datetime) -> None:
        """Delete tokens and assertions that are over."""
        self._session.execute(delete(AccessToken).where(AccessToken.expires_at <= now))
        self._session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at <= now))
