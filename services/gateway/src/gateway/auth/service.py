"""Registration, sign-in, sign-out and password change."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.auth.authentication import is_live
from gateway.auth.caller import Caller
from gateway.auth.errors import (
    AccountDisabledError,
    AccountPendingError,
    NotSignedInError,
    OneTimePasswordOverError,
    PasswordRefusedError,
    SignInRefusedError,
    WrongPasswordError,
)
from gateway.auth.models import User, UserSession, UserState
from gateway.auth.repository import SessionRepository, UserRepository
from gateway.auth.secrets import (
    check_new_password,
    hash_is_outdated,
    hash_password,
    new_session_token,
    password_matches,
    token_hash,
)
from gateway.auth.throttle import SignInThrottle, registration_throttle
from gateway.resources import Resources
from ictus.domain.ids import new_id


@dataclass(frozen=True)
class OpenedSession:
    """A session that has just begun; ``token`` goes into the cookie and is stored nowhere."""

    session: UserSession
    token: str


class AuthService:
    """What people do with their accounts. The caller commits.

    Hashing takes long, so it holds neither a connection nor a lock. Whatever was read before it is read again
    after it, under a lock on the user's row: an administrator's reset or closing of the account takes the same
    lock, so either it sees the new session and ends it, or it is seen here.
    """

    def __init__(self, session: Session, resources: Resources) -> None:
        self._session = session
        self._resources = resources
        self._users = UserRepository(session)
        self._sessions = SessionRepository(session)

    def register(self, email: str, name: str, password: str, address: str | None) -> UUID | None:
        """Note a registration, which an administrator then approves.

        Returns:
            The new user's id, or None when the address is known; the work done is the same.

        Raises:
            PasswordRefusedError: the password is too easy to guess.
            SignInBlockedError: too many registrations from the address that the request comes from.
        """
        check_new_password(password, email=email, name=name)
        registration_throttle(self._resources, address).count_try()
        user = User(
            id=new_id(),
            email=email,
            name=name,
            password_hash=hash_password(password),
            must_change_password=False,
            state=UserState.PENDING,
            created_at=self._resources.clock(),
        )
        try:
            with self._session.begin_nested():
                self._users.add(user)
        except IntegrityError:
            return None
        return user.id

    def sign_in(self, email: str, password: str, address: str | None, old_token: str | None) -> OpenedSession:
        """Begin a session.

        Args:
            email: the normalised address.
            password: as typed.
            address: where the request comes from.
            old_token: of the session that this browser still has; it ends.

        Raises:
            SignInBlockedError: too many tries.
            SignInRefusedError: unknown address or wrong password, after the same work.
            AccountPendingError: the password is right but the registration is not approved.
            AccountDisabledError: the password is right but the account is closed.
            OneTimePasswordOverError: the password is right but was not used in time.
        """
        throttle = SignInThrottle(self._resources, email, address)
        throttle.count_try()
        seen = self._users.by_email(email)
        self._session.commit()  # gives the connection back
        if not password_matches(password, seen.password_hash if seen else None) or seen is None:
            raise SignInRefusedError
        throttle.forgive()
        seen_hash = seen.password_hash
        outdated = seen_hash is not None and hash_is_outdated(seen_hash)
        new_hash = hash_password(password) if outdated else seen_hash
        user = self._users.get(seen.id, lock=True)
        if user is None or user.password_hash != seen_hash:
            raise SignInRefusedError
        _refuse_unless_active(user)
        now = self._resources.clock()
        if user.password_expires_at is not None and user.password_expires_at <= now:
            raise OneTimePasswordOverError
        user.password_hash = new_hash
        return self._sign_in(user, old_token, now)

    def open_for(self, user_id: UUID, old_token: str | None) -> OpenedSession:
        """Begin a session of somebody for whom another has vouched; ``old_token`` as for ``sign_in``.

        Raises:
            NotSignedInError: there is no such person any more.
            AccountPendingError, AccountDisabledError: the account may not sign in.
        """
        user = self._users.get(user_id, lock=True)
        if user is None:
            raise NotSignedInError
        _refuse_unless_active(user)
        return self._sign_in(user, old_token, self._resources.clock())

    def sign_out(self, caller: Caller) -> None:
        """End the caller's session at once."""
        if caller.session_id is not None:
            self._sessions.revoke(caller.session_id)

    def current_session(self, caller: Caller) -> UserSession:
        """The caller's session, with its user. Raises ``NotSignedInError`` when it is no browser's."""
        user_session = self._sessions.get(caller.session_id) if caller.session_id else None
        if user_session is None:
            raise NotSignedInError
        return user_session

    def change_password(self, caller: Caller, current: str, new: str, address: str | None) -> OpenedSession:
        """Set a new password, end every session of the person and begin a new one.

        Raises:
            SignInBlockedError: too many wrong present passwords.
            WrongPasswordError: the present password is wrong.
            NotSignedInError: the session ended meanwhile, as a reset by an administrator ends it.
            PasswordRefusedError: the new one is too easy to guess.
        """
        user = self.current_session(caller).user
        seen_hash = user.password_hash
        self._session.commit()  # gives the connection back
        throttle = SignInThrottle(self._resources, user.email, address)
        throttle.count_try()
        if not password_matches(current, seen_hash):
            raise WrongPasswordError
        throttle.forgive()
        check_new_password(new, email=user.email, name=user.name)
        if current == new:
            raise PasswordRefusedError("The new password must differ from the present one.")
        new_hash = hash_password(new)
        self._users.get(user.id, lock=True)
        if not is_live(self.current_session(caller), self._resources.settings, self._resources.clock()):
            raise NotSignedInError
        user.password_hash = new_hash
        user.must_change_password = False
        user.password_expires_at = None
        self._session.flush()
        self._sessions.revoke_all(user.id)
        return self._open(user, self._resources.clock())

    def _sign_in(self, user: User, old_token: str | None, now: datetime) -> OpenedSession:
        if old_token is not None:
            old_session = self._sessions.by_token_hash(token_hash(old_token))
            if old_session is not None:
                self._sessions.revoke(old_session.id)
        user.last_login_at = now
        return self._open(user, now)

    def _open(self, user: User, now: datetime) -> OpenedSession:
        token = new_session_token()
        user_session = UserSession(
            id=new_id(),
            user=user,
            token_hash=token_hash(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._resources.settings.session_absolute,
        )
        self._sessions.add(user_session)
        return OpenedSession(user_session, token)


def _refuse_unless_active(user: User) -> None:
    if user.state is UserState.PENDING:
        raise AccountPendingError
    if user.state is UserState.DISABLED:
        raise AccountDisabledError


def session_is_live(session: Session, resources: Resources, session_id: UUID) -> bool:
    """Whether a session has not been ended since; a long event stream asks from time to time."""
    user_session = SessionRepository(session).get(session_id)
    return user_session is not None and is_live(user_session, resources.settings, resources.clock())
