"""Letting people in and out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.auth.errors import LastAdminError, UserNotFoundError, UserStateError
from gateway.auth.models import User, UserState
from gateway.auth.repository import SessionRepository, UserRepository
from gateway.auth.secrets import hash_password, new_one_time_password
from gateway.sites.repository import SiteRepository
from ictus.domain.enums import Role
from ictus.domain.ids import new_id


class PeopleService:
    """What administrators do with people. The caller commits.

    Whatever takes something from a person ends the person's sessions. Nothing may leave the installation
    without an active administrator.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._users = UserRepository(session)
        self._sessions = SessionRepository(session)
        self._sites = SiteRepository(session)

    def page(
        self, state: UserState | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[User]:
        """People, newest registration first."""
        return self._users.page(state, after, limit)

    def approve(self, user_id: UUID, role: Role, site_id: UUID) -> User:
        """Let in somebody who registered.

        Raises:
            UserNotFoundError, SiteNotFoundError: an id is unknown.
            UserStateError: the registration does not wait for approval.
        """
        user = self._require(user_id)
        if user.state is not UserState.PENDING:
            raise UserStateError("This registration has been decided already.")
        user.role, user.site_id = role, self._sites.require(site_id).id
        user.state = UserState.ACTIVE
        return user

    def change(self, user_id: UUID, role: Role | None, site_id: UUID | None) -> User:
        """Give another role or site.

        Raises:
            UserNotFoundError, SiteNotFoundError: an id is unknown.
            UserStateError: the person has not been approved yet.
            LastAdminError: nobody could administer any more.
        """
        if role is not None and role is not Role.ADMIN:
            self._keep_an_admin_besides(user_id)
        user = self._require(user_id)
        if user.role is None:
            raise UserStateError("Approve this registration first; that gives a role and a site.")
        if role is not None:
            user.role = role
        if site_id is not None:
            user.site_id = self._sites.require(site_id).id
        self._sessions.revoke_all(user.id)
        return user

    def disable(self, user_id: UUID) -> User:
        """Close an account, or turn a registration down. Raises as ``change`` does."""
        self._keep_an_admin_besides(user_id)
        user = self._require(user_id)
        user.state = UserState.DISABLED
        self._sessions.revoke_all(user.id)
        return user

    def enable(self, user_id: UUID) -> User:
        """Open a closed account again; one that was never approved waits for approval again.

        Raises:
            UserNotFoundError: the id is unknown.
            UserStateError: the account is not closed.
        """
        user = self._require(user_id)
        if user.state is not UserState.DISABLED:
            raise UserStateError("This account is not closed.")
        user.state = UserState.PENDING if user.role is None else UserState.ACTIVE
        return user

    def reset_password(self, user_id: UUID, expires_at: datetime) -> str:
        """Replace the password by a one-time password, which is returned. Raises ``UserNotFoundError``."""
        password = new_one_time_password()
        password_hash = hash_password(password)  # takes long, so before the lock
        user = self._require(user_id)
        user.password_hash = password_hash
        user.must_change_password = True
        user.password_expires_at = expires_at
        self._sessions.revoke_all(user.id)
        return password

    def create_admin(
        self, email: str, name: str, site_id: UUID, now: datetime, expires_at: datetime
    ) -> str | None:
        """Make the first administrator, with a one-time password until ``expires_at``.

        Returns:
            The one-time password, or None when there is an administrator already.

        Raises:
            UserStateError: the address belongs to somebody who is no active administrator.
        """
        if self._users.admin_exists():
            return None
        if self._users.by_email(email) is not None:
            raise UserStateError("Somebody registered with this address. Use another one.")
        password = new_one_time_password()
        self._users.add(
            User(
                id=new_id(),
                email=email,
                name=name,
                password_hash=hash_password(password),
                must_change_password=True,
                password_expires_at=expires_at,
                state=UserState.ACTIVE,
                role=Role.ADMIN,
                site_id=site_id,
                created_at=now,
            )
        )
        return password

    def _require(self, user_id: UUID) -> User:
        user = self._users.get(user_id, lock=True)
        if user is None:
            raise UserNotFoundError
        return user

    def _keep_an_admin_besides(self, user_id: UUID) -> None:
        if list(self._users.lock_active_admins()) == [user_id]:
            raise LastAdminError
