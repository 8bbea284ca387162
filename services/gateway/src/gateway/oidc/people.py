"""From the provider's claims to a person of this installation: known, let in by a rule, waiting, or refused."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.auth.models import User, UserState
from gateway.auth.repository import SessionRepository, UserRepository
from gateway.auth.schemas import Email
from gateway.oidc.errors import AddressTakenError, ClaimsIncompleteError, PersonUnknownError
from gateway.oidc.models import ProviderIdentity
from gateway.oidc.rules import AdmissionRules
from gateway.sites.models import Site
from ictus.domain.enums import Role
from ictus.domain.ids import new_id

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_LONGEST_NAME = 120

Meaning = TypeVar("Meaning")


class ProviderPeople:
    """People of one provider, within ``session``'s transaction."""

    def __init__(self, session: Session, rules: AdmissionRules, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._users = UserRepository(session)
        self._rules = rules
        self._clock = clock

    def person(self, issuer: str, claims: Mapping[str, Any]) -> User:
        """Who this is here, locked; made if the rules allow it. What the rules say is put right at every sign-in.

        Raises:
            PersonUnknownError, AddressTakenError, ClaimsIncompleteError: nobody here.
        """
        subject = str(claims["sub"])
        identity = self._session.get(ProviderIdentity, (issuer, subject))
        user = self._users.get(identity.user_id, lock=True) if identity else None
        if user is None:
            user = self._new_here(issuer, subject, claims)
        self._apply_rules(user, claims)
        return user

    def _new_here(self, issuer: str, subject: str, claims: Mapping[str, Any]) -> User:
        try:
            email = _EMAIL.validate_python(claims.get("email"))
        except ValidationError:
            raise ClaimsIncompleteError from None
        user = self._users.by_email(email)
        if user is not None:
            if not (self._rules.link_by_email and claims.get("email_verified") is True):
                raise AddressTakenError
            user = self._users.get(user.id, lock=True) or user
        else:
            user = self._registered(email, claims)
        self._session.add(
            ProviderIdentity(issuer=issuer, subject=subject, user_id=user.id, linked_at=self._clock())
        )
        self._session.flush()
        return user

    def _registered(self, email: str, claims: Mapping[str, Any]) -> User:
        if self._rules.unknown == "refused" and self._admission(claims) is None:
            raise PersonUnknownError
        name = str(claims.get("name") or email).replace("\0", "").strip()[:_LONGEST_NAME] or email
        user = User(
            id=new_id(),
            email=email,
            name=name,
            password_hash=None,
            must_change_password=False,
            state=UserState.PENDING,
            created_at=self._clock(),
        )
        try:
            with self._session.begin_nested():
                self._users.add(user)
        except IntegrityError:  # registered in this very moment
            raise AddressTakenError from None
        return user

    def _apply_rules(self, user: User, claims: Mapping[str, Any]) -> None:
        admitted = self._admission(claims)
        if admitted is None or user.state is UserState.DISABLED:
            return
        role, site = admitted
        if user.state is UserState.ACTIVE and (user.role, user.site_id) != (role, site.id):
            SessionRepository(self._session).revoke_all(user.id)
        user.role, user.site_id, user.state = role, site.id, UserState.ACTIVE

    def _admission(self, claims: Mapping[str, Any]) -> tuple[Role, Site] | None:
        """Role and site that the claims stand for; None unless they say both."""
        role = _first(self._rules.roles, _words(claims, self._rules.role_claim))
        site_name = _first(self._rules.sites, _words(claims, self._rules.site_claim))
        if role is None or site_name is None:
            return None
        site = self._session.scalar(select(Site).where(Site.name == site_name))
        return None if site is None else (role, site)


def _words(claims: Mapping[str, Any], claim: str | None) -> set[str]:
    value = claims.get(claim) if claim else None
    return {str(one) for one in value} if isinstance(value, list) else {str(value)} if value else set()


def _first(meanings: Mapping[str, Meaning], words: set[str]) -> Meaning | None:
    return next((meaning for word, meaning in meanings.items() if word in words), None)
