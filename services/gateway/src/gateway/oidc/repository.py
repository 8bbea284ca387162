"""The SQL of sign-ins that are on their way to the provider and back."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gateway.oidc.models import PendingSignIn


class SignInRepository:
    """Sign-ins on their way, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, pending: PendingSignIn) -> None:
        """Note one that was sent off."""
        self._session.add(pending)
        self._session.flush()

    def take(self, state_hash: bytes) -> PendingSignIn | None:
        """The one that comes back; nobody can come back with it again."""
        taken = delete(PendingSignIn).where(PendingSignIn.state_hash == state_hash).returning(PendingSignIn)
        return self._session.scalar(taken)

    def purge(self, now: datetime) -> None:
        """Delete those that never came back."""
        self._session.execute(delete(PendingSignIn).where(PendingSignIn.expires_at <= now))
