"""Guessing passwords is slow, and tells nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.gateway.installation import PASSWORD, Installation, new_browser

from gateway.app import create_app
from gateway.auth import secrets
from gateway.auth.models import User
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

LOGIN = "/api/v1/auth/login"
WRONG = "a wrong guess"


def guess(browser: TestClient, email: str, password: str = WRONG) -> tuple[int, str, int]:
    """Status, code and seconds to wait."""
    answer = browser.post(LOGIN, json={"email": email, "password": password})
    return answer.status_code, answer.json().get("code", ""), int(answer.headers.get("Retry-After", 0))


def test_guessing_is_slowed(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = installation.browser()
    assert [guess(browser, person.email)[0] for _ in range(6)] == [401] * 5 + [429]

    waits = []
    for _ in range(4):
        status, code, seconds = guess(browser, person.email, PASSWORD)
        assert (status, code) == (429, "sign_in_blocked")
        waits.append(seconds)
        installation.clock.advance(seconds=seconds)
        assert guess(browser, person.email)[0] == 401
    assert waits == sorted(set(waits)), "each wait is longer than the one before"

    installation.clock.advance(minutes=15)
    assert guess(browser, person.email, PASSWORD)[0] == 200
    assert [guess(browser, person.email)[0] for _ in range(5)] == [401] * 5, "the count began anew"


def test_unknown_account_is_slowed_and_answered_like_a_known_one(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = installation.browser()
    known = [guess(browser, person.email) for _ in range(7)]
    unknown = [guess(browser, "nobody@example.org") for _ in range(7)]
    assert known == unknown


def test_unknown_account_costs_as_much_work_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    hasher = secrets._hasher

    class Counting:
        """Lets the real hasher work and notes that it did."""

        def verify(self, password_hash: str, password: str) -> bool:
            verified.append(password_hash)
            return hasher.verify(password_hash, password)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    monkeypatch.setattr(secrets, "_hasher", Counting())
    assert not secrets.password_matches(WRONG, secrets.hash_password(PASSWORD))
    assert not secrets.password_matches(WRONG, None)
    parameters = [password_hash.split("$")[1:4] for password_hash in verified]
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]


def test_parallel_guesses_do_not_escape_the_count(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: guess(installation.browser(), person.email)[0], range(16)))
    assert statuses.count(401) == 5
    assert statuses.count(429) == 11


def test_an_address_that_tries_many_accounts_is_slowed(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    app = create_app(make_settings(address_free_attempts=8), clock=installation.clock)
    browser = new_browser(app)
    statuses = [guess(browser, f"person{number}@example.org")[0] for number in range(10)]
    assert statuses == [401] * 8 + [429] * 2


def test_own_success_does_not_reset_the_count_of_an_address(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = new_browser(create_app(make_settings(address_free_attempts=8), clock=installation.clock))
    statuses = []
    for number in range(12):
        statuses.append(guess(browser, f"person{number}@example.org")[0])
        guess(browser, person.email, PASSWORD)
    assert statuses.count(401) == 8


def test_guessing_does_not_lock_an_account_for_good(installation: Installation, db: Session) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = installation.browser()
    longest = 0
    for _ in range(30):
        _status, _code, seconds = guess(browser, person.email)
        longest = max(longest, seconds)
        installation.clock.advance(seconds=seconds)
    assert longest == 60, "a stranger who guesses keeps nobody out for longer"
    assert db.get_one(User, person.user_id).state == "active"


def test_an_address_waits_longer_than_an_account(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    browser = new_browser(create_app(make_settings(address_free_attempts=1), clock=installation.clock))
    longest = 0
    for number in range(24):
        _status, _code, seconds = guess(browser, f"person{number}@example.org")
        longest = max(longest, seconds)
        installation.clock.advance(seconds=seconds)
    assert longest == 900


def test_registrations_from_one_address_are_slowed(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    browser = new_browser(create_app(make_settings(registration_free_attempts=2), clock=installation.clock))
    statuses = [
        browser.post(
            "/api/v1/auth/register",
            json={"email": f"p{number}@example.org", "name": "Ana López", "password": PASSWORD},
        ).status_code
        for number in range(3)
    ]
    assert statuses == [202, 202, 429]
