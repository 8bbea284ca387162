"""Tables of people, their sessions and keys, and of failed sign-ins."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gateway.database import Base
from ictus.database import enum_column
from ictus.domain.enums import Role


class UserState(StrEnum):
    """Whether a person may sign in."""

    PENDING = "pending"
    ACTIVE = "active"
    DISABLED = "disabled"


class Scope(StrEnum):
    """What an API key allows."""

    STUDIES_READ = "studies:read"
    STUDIES_WRITE = "studies:write"
    REPORTS_READ = "reports:read"
    REVIEWS_READ = "reviews:read"
    REVIEWS_WRITE = "reviews:write"


class User(Base):
    """A person.

    ``role`` and ``site_id`` are set by the admin who approves the registration. ``password_expires_at`` is when
    a one-time password is over; a password that the person chose has none. ``password_hash`` is null for who signs in at
    the hospital's provider only.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("state <> 'active' OR (role IS NOT NULL AND site_id IS NOT NULL)", "active_has_role"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(Text)
    must_change_password: Mapped[bool]
    password_expires_at: Mapped[datetime | None]
    state: Mapped[UserState] = mapped_column(enum_column(UserState), index=True)
    role: Mapped[Role | None] = mapped_column(enum_column(Role))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("gateway.sites.id"), index=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class UserSession(Base):
    """A signed-in browser. Its token is known to the browser only; here lies the SHA-256 of it."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class ApiKey(Base):
    """A machine's key: bound to one site and to scopes. Here lies the SHA-256 of it."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    prefix: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[Scope]] = mapped_column(ARRAY(enum_column(Scope)))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("gateway.sites.id"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("gateway.users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Tries against one account or from one address, whether or not the account exists."""

    __tablename__ = "sign_in_throttles"
    __table_args__ = (Index(None, "last_try_at"),)

    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    tries: Mapped[int]
    last_try_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
