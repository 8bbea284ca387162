"""Registration, sign-in, sessions and passwords, over the real application."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.installation import PASSWORD, Installation, new_browser
from tests.gateway.routes import code_of

from gateway.app import create_app
from gateway.auth.models import User, UserSession
from gateway.auth.secrets import token_hash
from gateway.auth.tasks import purge_sessions
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/auth/me"
CHANGE = "/api/v1/auth/password"
NEW_PASSWORD = "seven green kettles boil"


def registration(email: str, password: str = PASSWORD) -> dict[str, str]:
    return {"email": email, "name": "Ana López", "password": password}


def test_registered_person_signs_in_once_approved(installation: Installation, db: Session) -> None:
    browser = installation.browser()
    credentials = {"email": "Ana.Lopez@Hospital.LOCAL", "password": PASSWORD}
    assert browser.post(REGISTER, json=registration(credentials["email"])).status_code == 202

    waiting = browser.post(LOGIN, json=credentials)
    assert (waiting.status_code, waiting.json()["code"]) == (403, "account_pending")

    admin = installation.add_person(Role.ADMIN).sign_in()
    (pending,) = admin.get("/api/v1/admin/users", params={"state": "pending"}).json()["items"]
    approval = {"role": "radiologist", "site_id": str(installation.add_site("St. Mary's"))}
    assert admin.post(f"/api/v1/admin/users/{pending['id']}/approve", json=approval).status_code == 200

    signed_in = browser.post(LOGIN, json=credentials)
    assert signed_in.status_code == 200
    user = signed_in.json()["user"]
    assert (user["email"], user["role"], user["site"]["name"]) == (
        "ana.lopez@hospital.local",
        "radiologist",
        "St. Mary's",
    )
    assert browser.get(ME).json()["csrf_token"] == signed_in.json()["csrf_token"]


def test_registration_does_not_tell_which_addresses_are_known(
    installation: Installation, db: Session
) -> None:
    person = installation.add_person(Role.CLINICIAN)
    browser = installation.browser()
    new, known = (browser.post(REGISTER, json=registration(email)) for email in ("new@x.org", person.email))
    assert (new.status_code, new.json()) == (known.status_code, known.json())
    assert db.get_one(User, person.user_id).name == "Test Person"


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ana.lopez12345", "x" * 129])
def test_easily_guessed_password_is_refused(installation: Installation, password: str) -> None:
    answer = installation.browser().post(REGISTER, json=registration("ana.lopez@hospital.org", password))
    assert answer.status_code == 422


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    person = installation.add_person(Role.CLINICIAN)
    credentials = {"email": person.email, "password": PASSWORD}

    cookie = installation.browser().post(LOGIN, json=credentials).headers["set-cookie"]
    assert cookie.startswith("ictus_session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))

    behind_tls = new_browser(create_app(make_settings(tls=True)), base_url="https://testserver")
    cookie = behind_tls.post(LOGIN, json=credentials).headers["set-cookie"]
    assert cookie.startswith("__Host-ictus_session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Secure"} <= set(cookie.split("; "))


def test_only_hashes_of_password_and_token_are_stored(installation: Installation, db: Session) -> None:
    person = installation.add_person(Role.CLINICIAN)
    token = person.sign_in().cookies["ictus_session"]
    assert db.scalars(select(UserSession.token_hash)).all() == [token_hash(token)]
    assert db.get_one(User, person.user_id).password_hash.startswith("$argon2id$")


def test_revoked_session_is_refused_everywhere(
    installation: Installation, protected_routes: list[tuple[str, str]]
) -> None:
    browser = installation.add_person(Role.ADMIN).sign_in()
    cookie, csrf = browser.cookies["ictus_session"], browser.headers["X-CSRF-Token"]
    assert browser.post(LOGOUT).status_code == 204

    thief = new_browser(installation.app, cookies={"ictus_session": cookie}, headers={"X-CSRF-Token": csrf})
    answers = {f"{method} {path}": code_of(thief.request(method, path)) for method, path in protected_routes}
    assert set(answers.values()) == {"not_signed_in"}, answers


def test_idle_session_ends(installation: Installation) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    for _ in range(3):
        installation.clock.advance(minutes=14)
        assert browser.get(ME).status_code == 200
    installation.clock.advance(minutes=15)
    assert browser.get(ME).status_code == 401


def test_session_in_use_ends_after_twelve_hours(installation: Installation) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    for _ in range(71):
        installation.clock.advance(minutes=10)
        assert browser.get(ME).status_code == 200
    installation.clock.advance(minutes=10)
    assert browser.get(ME).status_code == 401


def test_sessions_that_are_over_are_purged(installation: Installation, db: Session) -> None:
    person = installation.add_person(Role.CLINICIAN)
    person.sign_in()
    installation.clock.advance(minutes=16)
    living = person.sign_in()
    assert purge_sessions(installation.resources) == 1
    assert living.get(ME).status_code == 200


def test_change_without_csrf_token_is_refused(installation: Installation) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    del browser.headers["X-CSRF-Token"]
    assert browser.post(LOGOUT).json()["code"] == "csrf_refused"
    assert browser.post(LOGOUT, headers={"X-CSRF-Token": "0" * 64}).json()["code"] == "csrf_refused"
    assert browser.get(ME).status_code == 200


def test_another_pages_sign_in_is_refused(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    answer = installation.browser().post(
        LOGIN,
        json={"email": person.email, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.json()["code"] == "csrf_refused"
    assert "set-cookie" not in answer.headers


def test_password_change_ends_the_persons_other_sessions(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    here, elsewhere = person.sign_in(), person.sign_in()
    changed = here.post(CHANGE, json={"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert changed.status_code == 200
    assert here.get(ME).status_code == 200
    assert elsewhere.get(ME).status_code == 401
    here.headers["X-CSRF-Token"] = changed.json()["csrf_token"]
    assert here.post(LOGOUT).status_code == 204
    assert person.sign_in(NEW_PASSWORD).get(ME).status_code == 200


def test_password_change_needs_the_present_password(installation: Installation) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    wrong = browser.post(CHANGE, json={"current_password": "a wrong guess", "new_password": NEW_PASSWORD})
    assert wrong.json()["code"] == "wrong_password"
    same = browser.post(CHANGE, json={"current_password": PASSWORD, "new_password": PASSWORD})
    assert same.status_code == 422


def test_one_time_password_allows_nothing_but_its_change(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.ADMIN)
    session_before = person.sign_in()
    reset = admin.post(f"/api/v1/admin/users/{person.user_id}/reset-password").json()

    assert session_before.get(ME).status_code == 401
    old = installation.browser().post(LOGIN, json={"email": person.email, "password": PASSWORD})
    assert old.json()["code"] == "sign_in_refused"
    browser = person.sign_in(reset["one_time_password"])
    assert browser.get(ME).json()["user"]["must_change_password"] is True
    assert browser.get("/api/v1/admin/users").json()["code"] == "password_change_required"

    change = {"current_password": reset["one_time_password"], "new_password": NEW_PASSWORD}
    assert browser.post(CHANGE, json=change).json()["user"]["must_change_password"] is False
    assert browser.get("/api/v1/admin/users").status_code == 200

    installation.clock.advance(hours=72)
    assert person.sign_in(NEW_PASSWORD).get(ME).status_code == 200, "a password of one's own lasts"


def test_one_time_password_is_over_after_three_days(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    admin = installation.add_person(Role.ADMIN).sign_in()
    reset = admin.post(f"/api/v1/admin/users/{person.user_id}/reset-password").json()
    assert datetime.fromisoformat(reset["expires_at"]) == installation.clock() + timedelta(hours=72)

    credentials = {"email": person.email, "password": reset["one_time_password"]}
    installation.clock.advance(hours=71)
    assert installation.browser().post(LOGIN, json=credentials).status_code == 200
    installation.clock.advance(hours=1)
    over = installation.browser().post(LOGIN, json=credentials)
    assert (over.status_code, over.json()["code"]) == (403, "one_time_password_over")
    guessed = installation.browser().post(LOGIN, json=credentials | {"password": "a wrong guess"})
    assert guessed.json()["code"] == "sign_in_refused", "only who has the password learns that it is over"
