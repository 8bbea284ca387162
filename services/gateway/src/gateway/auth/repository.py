"""The SQL of people, sessions, keys and throttles."""

from collections.abc import Sequence, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.auth.models import ApiKey, SignInThrottle, User, UserSession, UserState
from ictus.domain.enums import Role


class UserRepository:
    """People."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user: User) -> None:
        """Add a person; an address that is taken raises ``IntegrityError``."""
        self._session.add(user)
        self._session.flush()

    def get(self, user_id: UUID, *, lock: bool = False) -> User | None:
        """A person by id; when asked, as the database has it now and locked until the end of the transaction."""
        return self._session.get(
            User, user_id, with_for_update=True if lock else None, populate_existing=lock
        )

    def by_email(self, email: str) -> User | None:
        """A person by normalised address."""
        return self._session.scalar(select(User).where(User.email == email))

    def page(
        self, state: UserState | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[User]:
        """People, newest registration first, beginning after a registration time and id."""
        query = select(User).order_by(User.created_at.desc(), User.id.desc()).limit(limit)
        if state is not None:
            query = query.where(User.state == state)
        if after is not None:
            query = query.where(tuple_(User.created_at, User.id) < after)
        return self._session.scalars(query).all()

    def names_of(self, people: Set[UUID]) -> dict[UUID, str]:
        """Names by id, of those who have an account."""
        if not people:
            return {}
        rows = self._session.execute(select(User.id, User.name).where(User.id.in_(people)))
        return {user_id: name for user_id, name in rows}

    def lock_active_admins(self) -> Sequence[UUID]:
        """Ids of the active administrators, locked in a fixed order so that two demotions cannot cross."""
        query = (
            select(User.id)
            .where(User.role == Role.ADMIN, User.state == UserState.ACTIVE)
            .order_by(User.id)
            .with_for_update()
        )
        return self._session.scalars(query).all()

    def admin_exists(self) -> bool:
        """Whether anybody can administer."""
        query = select(User.id).where(User.role == Role.ADMIN, User.state == UserState.ACTIVE).limit(1)
        return self._session.scalar(query) is not None


class SessionRepository:
    """Signed-in browsers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user_session: UserSession) -> None:
        """Add a session."""
        self._session.add(user_session)
        self._session.flush()

    def by_token_hash(self, token_hash: bytes) -> UserSession | None:
        """A session, with its user, by the hash of its token."""
        return self._session.scalar(select(UserSession).where(UserSession.token_hash == token_hash))

    def get(self, session_id: UUID) -> UserSession | None:
        """A session by id, as the database has it now."""
        return self._session.get(UserSession, session_id, populate_existing=True)

    def touch(self, session_id: UUID, now: datetime) -> None:
        """Note that a session is in use."""
        self._session.execute(
            update(UserSession).where(UserSession.id == session_id).values(last_seen_at=now)
        )

    def revoke(self, session_id: UUID) -> None:
        """End one session."""
        self._session.execute(delete(UserSession).where(UserSession.id == session_id))

    def revoke_all(self, user_id: UUID) -> None:
        """End every session of a person."""
        self._session.execute(delete(UserSession).where(UserSession.user_id == user_id))

    def purge(self, now: datetime, idle_since: datetime) -> int:
        """Delete sessions that are over; the number of them."""
        over = delete(UserSession).where(
            (UserSession.expires_at <= now) | (UserSession.last_seen_at <= idle_since)
        )
        return len(self._session.scalars(over.returning(UserSession.id)).all())


class ApiKeyRepository:
    """Keys of API clients."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: ApiKey) -> None:
        """Add a key."""
        self._session.add(key)
        self._session.flush()

    def get(self, key_id: UUID) -> ApiKey | None:
        """A key by id."""
        return self._session.get(ApiKey, key_id)

    def by_hash(self, key_hash: bytes) -> ApiKey | None:
        """A key by its hash."""
        return self._session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))

    def all(self) -> Sequence[ApiKey]:
        """Every key, newest first."""
        return self._session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)).all()

    def touch(self, key_id: UUID, now: datetime) -> None:
        """Note that a key is in use."""
        self._session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


class ThrottleRepository:
    """Tries to sign in, by subject (``account:<sha-256>`` or ``address:<ip>``)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self, subject: str, now: datetime) -> SignInThrottle:
        """The subject's row, made when there is none, locked until the end of the transaction."""
        self._session.execute(
            insert(SignInThrottle)
            .values(subject=subject, tries=0, last_try_at=now, blocked_until=None)
            .on_conflict_do_nothing()
        )
        return self._session.scalars(
            select(SignInThrottle).where(SignInThrottle.subject == subject).with_for_update()
        ).one()

    def clear(self, subject: str) -> None:
        """Forget a subject."""
        self._session.execute(delete(SignInThrottle).where(SignInThrottle.subject == subject))

    def give_back(self, subject: str) -> None:
        """Take one try back, since it was no guess."""
        self._session.execute(
            update(SignInThrottle)
            .where(SignInThrottle.subject == subject)
            .values(tries=func.greatest(SignInThrottle.tries - 1, 0), blocked_until=None)
        )

    def purge(self, before: datetime) -> None:
        """Forget subjects that were last seen before ``before``."""
        self._session.execute(delete(SignInThrottle).where(SignInThrottle.last_try_at < before))
