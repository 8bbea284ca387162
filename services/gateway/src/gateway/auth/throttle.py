"""Back-off on guessed passwords: each account and each address has its own count, kept in Postgres.

A try is counted before the password is looked at, in a transaction of its own, so that neither parallel
tries nor the roll-back of a refused request escape the count. Accounts that do not exist are counted as
those that do, so the waits tell nobody which exist.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.auth.errors import SignInBlockedError
from gateway.auth.repository import ThrottleRepository
from gateway.resources import Resources

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Allowance:
    """How many tries of one subject are free, and how many seconds the next ones wait at most."""

    free: int
    longest_wait: int

    def wait_after(self, tries: int) -> timedelta | None:
        """How long the try after so many waits; None while it is free."""
        over = tries - self.free
        return timedelta(seconds=min(2 ** min(over, 30), self.longest_wait)) if over >= 0 else None


class Throttle:
    """Counts tries and makes the next one wait: 1, 2, 4, … seconds once the free ones are used up.

    Args:
        resources: sessions and clock.
        allowances: of each subject that the tries are counted against.
    """

    def __init__(self, resources: Resources, allowances: Mapping[str, Allowance]) -> None:
        self._resources = resources
        self._allowances = allowances

    def count_try(self) -> None:
        """Count one try.

        Raises:
            SignInBlockedError: a subject must wait; this try is not counted.
        """
        now = self._resources.clock()
        with self._resources.sessions.begin() as session:
            throttles = ThrottleRepository(session)
            rows = [throttles.lock(subject, now) for subject in sorted(self._allowances)]
            blocked_until = max((row.blocked_until for row in rows if row.blocked_until), default=now)
            if blocked_until > now:
                raise SignInBlockedError(retry_after=math.ceil((blocked_until - now).total_seconds()))
            for row in rows:
                row.tries = 1 if now - row.last_try_at > FORGOTTEN_AFTER else row.tries + 1
                row.last_try_at = now
                wait = self._allowances[row.subject].wait_after(row.tries)
                row.blocked_until = None if wait is None else now + wait


class SignInThrottle(Throttle):
    """Slows guesses at one account's password, and guesses from one address at any account's.

    Args:
        resources: sessions, clock and limits.
        email: the normalised address that is tried; stored as its hash.
        address: where the try comes from, if known.
    """

    def __init__(self, resources: Resources, email: str, address: str | None) -> None:
        self._account = f"account:{hashlib.sha256(email.encode()).hexdigest()}"
        self._address = f"address:{address}"
        settings = resources.settings
        super().__init__(
            resources,
            {
                self._account: Allowance(settings.login_free_attempts, settings.login_longest_wait_seconds),
                self._address: Allowance(
                    settings.address_free_attempts, settings.address_longest_wait_seconds
                ),
            },
        )

    def forgive(self) -> None:
        """The password was right: forget the account's tries and take this one back from the address."""
        with self._resources.sessions.begin() as session:
            throttles = ThrottleRepository(session)
            throttles.clear(self._account)
            throttles.give_back(self._address)


def registration_throttle(resources: Resources, address: str | None) -> Throttle:
    """Slows registrations from one address, each of which costs a row and a hash."""
    settings = resources.settings
    allowance = Allowance(settings.registration_free_attempts, settings.address_longest_wait_seconds)
    return Throttle(resources, {f"registration:{address}": allowance})
