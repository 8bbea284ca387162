"""Sending a browser to the provider, and signing in who comes back."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from gateway.auth.secrets import token_hash
from gateway.auth.service import AuthService, OpenedSession
from gateway.oidc.errors import ProviderAbsentError, ProviderSignInRefusedError
from gateway.oidc.models import PendingSignIn
from gateway.oidc.people import ProviderPeople
from gateway.oidc.provider import OidcProvider
from gateway.oidc.repository import SignInRepository
from gateway.resources import Resources

LIFE: Final = timedelta(minutes=10)
"""How long a sign-in at the provider may take."""


@dataclass(frozen=True)
class SentOff:
    """Where the browser goes, and what it must bring back in a cookie."""

    address: str
    browser_token: str


class ProviderSignIn:
    """Sign-in at the provider. The caller commits.

    Raises:
        ProviderAbsentError: none is configured.
    """

    def __init__(self, session: Session, resources: Resources) -> None:
        if resources.oidc is None:
            raise ProviderAbsentError
        self._provider: OidcProvider = resources.oidc
        self._session = session
        self._resources = resources
        self._pending = SignInRepository(session)

    def send_off(self, redirect_uri: str) -> SentOff:
        """Begin. State, nonce and PKCE verifier stay here. Raises ``ProviderUnavailableError``."""
        browser_token, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        departure = self._provider.depart(redirect_uri, nonce, verifier)
        self._pending.add(
            PendingSignIn(
                state_hash=token_hash(departure.state),
                browser_hash=token_hash(browser_token),
                nonce=nonce,
                code_verifier=verifier,
                expires_at=self._resources.clock() + LIFE,
            )
        )
        return SentOff(departure.address, browser_token)

    def come_back(
        self, redirect_uri: str, state: str, code: str, browser_token: str | None, old_token: str | None
    ) -> OpenedSession:
        """Sign in who comes back; ``old_token`` is of the session that this browser still has, which ends.

        Raises:
            ProviderSignInRefusedError, ProviderUnavailableError: the provider does not vouch for this browser.
            PersonUnknownError, AddressTakenError, ClaimsIncompleteError: it does, but nobody here is meant.
            AccountPendingError, AccountDisabledError: the account may not sign in.
        """
        pending = self._pending.take(token_hash(state))
        self._session.commit()  # used up, however this ends; and nothing is held while the provider is asked
        if (
            pending is None
            or pending.expires_at <= self._resources.clock()
            or browser_token is None
            or not hmac.compare_digest(token_hash(browser_token), pending.browser_hash)
        ):
            raise ProviderSignInRefusedError
        claims = self._provider.claims(redirect_uri, code, pending.nonce, pending.code_verifier)
        people = ProviderPeople(self._session, self._resources.settings.oidc_rules, self._resources.clock)
        user = people.person(self._provider.issuer, claims)
        self._session.commit()  # an account that waits for approval stays, though the sign-in is refused
        return AuthService(self._session, self._resources).open_for(user.id, old_token)
