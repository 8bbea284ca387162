"""Tables of OAuth: clients, the assertions they have used, the access tokens they hold."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gateway.database import Base


class OAuthClient(Base):
    """Another system that proves who it is by its private key; ``jwks`` holds the public ones (RFC 7517).

    ``id`` is its ``client_id``. It is bound to one site and to ``scopes``, as ``gateway.auth.permissions`` writes them.
    """

    __tablename__ = "oauth_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    jwks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("gateway.users.id"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class UsedAssertion(Base):
    """An assertion that has been shown, until it would be over anyway: nobody can show it again (RFC 7523, 3).

    ``jti_hash`` is the SHA-256 of its ``jti``, which can be of any length.
    """

    __tablename__ = "oauth_assertions"

    client_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.oauth_clients.id", ondelete="CASCADE"), primary_key=True
    )
    jti_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccessToken(Base):
    """A token that a client holds. Here lies the SHA-256 of it; deleting the row ends it at once."""

    __tablename__ = "oauth_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    client_id: Mapped[UUID] = mapped_column(
        ForeignKey("gateway.oauth_clients.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    client: Mapped[OAuthClient] = relationship(lazy="joined", innerjoin=True)
