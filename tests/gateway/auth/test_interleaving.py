"""What an administrator does while a password is being hashed, which takes a tenth of a second, holds."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.gateway.installation import PASSWORD, Installation, new_browser

from gateway.app import create_app
from gateway.auth import service
from gateway.auth.models import User
from gateway.auth.secrets import hash_password, password_matches
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
CHANGE = "/api/v1/auth/password"
NEW_PASSWORD = "seven green kettles boil"

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def while_hashing(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Lets something happen once, between the check of the next password and what follows from it."""

    def meanwhile(act: Callable[[], object]) -> None:
        pending = [act]

        def verify(password: str, password_hash: str | None) -> bool:
            matches = password_matches(password, password_hash)
            if pending:
                pending.pop()()
            return matches

        monkeypatch.setattr(service, "password_matches", verify)

    return meanwhile


def reset(admin: TestClient, user_id: object) -> str:
    """The one-time password."""
    answer = admin.post(f"/api/v1/admin/users/{user_id}/reset-password")
    assert answer.status_code == 200, answer.text
    password: str = answer.json()["one_time_password"]
    return password


def test_sign_in_with_the_old_password_does_not_survive_a_reset(
    installation: Installation, while_hashing: Meanwhile
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    while_hashing(lambda: reset(admin, person.user_id))
    browser = installation.browser()
    answer = browser.post(LOGIN, json={"email": person.email, "password": PASSWORD})
    assert answer.json()["code"] == "sign_in_refused"
    assert browser.get(ME).status_code == 401


def test_sign_in_does_not_survive_the_closing_of_the_account(
    installation: Installation, while_hashing: Meanwhile
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    while_hashing(lambda: admin.post(f"/api/v1/admin/users/{person.user_id}/disable"))
    answer = installation.browser().post(LOGIN, json={"email": person.email, "password": PASSWORD})
    assert answer.json()["code"] == "account_disabled"


def test_password_change_does_not_undo_a_reset(
    installation: Installation, while_hashing: Meanwhile, db: Session
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    browser = person.sign_in()
    given: list[str] = []
    while_hashing(lambda: given.append(reset(admin, person.user_id)))
    answer = browser.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert answer.json()["code"] == "not_signed_in"
    user = db.get_one(User, person.user_id)
    assert user.must_change_password
    assert password_matches(given[0], user.password_hash)
    assert browser.get(ME).status_code == 401


def test_password_change_needs_the_session_until_its_end(
    installation: Installation, while_hashing: Meanwhile, db: Session
) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = person.sign_in()
    while_hashing(lambda: browser.post("/api/v1/auth/logout"))
    answer = browser.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert answer.json()["code"] == "not_signed_in"
    assert password_matches(PASSWORD, db.get_one(User, person.user_id).password_hash)


def test_no_database_connection_is_held_while_hashing(
    installation: Installation,
    make_settings: Callable[..., GatewaySettings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = make_settings(database_pool_size=1, database_pool_overflow=0)
    app = create_app(settings, clock=installation.clock)
    resources: Resources = app.state.resources
    held: list[int] = []

    def verify(password: str, password_hash: str | None) -> bool:
        held.append(resources.engine.pool.checkedout())
        return password_matches(password, password_hash)

    def rehash(password: str) -> str:
        held.append(resources.engine.pool.checkedout())
        return hash_password(password)

    monkeypatch.setattr(service, "password_matches", verify)
    monkeypatch.setattr(service, "hash_password", rehash)
    person = installation.add_person(Role.CLINICIAN)
    browser = new_browser(app)
    answer = browser.post(LOGIN, json={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200
    browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert browser.post(CHANGE, json=change).status_code == 200
    registration = {"email": "new@example.org", "name": "Ana López", "password": NEW_PASSWORD}
    assert browser.post("/api/v1/auth/register", json=registration).status_code == 202
    resources.close()
    assert held == [0] * 4
