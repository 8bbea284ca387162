"""Tables of sign-in by OpenID Connect: who is who at the provider, and sign-ins that are on their way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.database import Base


class ProviderIdentity(Base):
    """A person as the provider knows them. ``subject`` is unique at its issuer and never given to another person."""

    __tablename__ = "oidc_identities"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.users.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime]


class PendingSignIn(Base):
    """A sign-in that was sent to the provider. Whoever comes back must be the browser that was sent, and only once.

    ``state_hash`` and ``browser_hash`` are SHA-256 of what the provider hands back and of the browser's cookie.
    """

    __tablename__ = "oidc_sign_ins"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[str] = mapped_column(Text)
    code_verifier: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)
