"""What administrators do with people and sites."""

import pytest
from sqlalchemy.orm import Session
from tests.gateway.installation import Installation

from gateway.auth.models import User
from ictus.domain.enums import Role

USERS = "/api/v1/admin/users"
SITES = "/api/v1/admin/sites"


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RADIOLOGIST])
def test_only_administrators_administer(
    installation: Installation, protected_routes: list[tuple[str, str]], role: Role
) -> None:
    browser = installation.add_person(role).sign_in()
    codes = {
        f"{method} {path}": browser.request(method, path).json()["code"]
        for method, path in protected_routes
        if path.startswith(("/api/v1/admin/users", "/api/v1/admin/sites", "/api/v1/admin/api-keys"))
    }
    assert set(codes.values()) == {"role_refused"}, codes


def test_disabled_person_is_out_at_once_and_can_be_let_in_again(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    browser = person.sign_in()
    assert admin.post(f"{USERS}/{person.user_id}/disable").json()["state"] == "disabled"
    assert browser.get("/api/v1/auth/me").status_code == 401

    assert admin.post(f"{USERS}/{person.user_id}/enable").json()["state"] == "active"
    assert person.sign_in().get("/api/v1/auth/me").status_code == 200


def test_role_change_takes_effect_at_once(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.ADMIN)
    browser = person.sign_in()
    changed = admin.patch(f"{USERS}/{person.user_id}", json={"role": "clinician"})
    assert changed.json()["role"] == "clinician"
    assert browser.get(USERS).status_code == 401
    assert person.sign_in().get(USERS).status_code == 403


def test_nobody_is_made_an_api_client(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    refused = admin.patch(f"{USERS}/{person.user_id}", json={"role": "api_client"})
    assert refused.status_code == 422


def test_last_administrator_stays(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN)
    browser = admin.sign_in()
    for answer in (
        browser.post(f"{USERS}/{admin.user_id}/disable"),
        browser.patch(f"{USERS}/{admin.user_id}", json={"role": "clinician"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    installation.add_person(Role.ADMIN)
    assert browser.post(f"{USERS}/{admin.user_id}/disable").status_code == 200


def test_registration_is_decided_once(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    approval = {"role": "radiologist", "site_id": str(person.site_id)}
    again = admin.post(f"{USERS}/{person.user_id}/approve", json=approval)
    assert (again.status_code, again.json()["code"]) == (409, "user_state")


def test_approval_for_an_unknown_site_changes_nothing(installation: Installation, db: Session) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    person = installation.add_person(Role.CLINICIAN)
    refused = admin.patch(
        f"{USERS}/{person.user_id}", json={"role": "radiologist", "site_id": str(person.user_id)}
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "site_not_found")
    assert db.get_one(User, person.user_id).role is Role.CLINICIAN


def test_people_are_listed_page_by_page_newest_first(installation: Installation) -> None:
    people = []
    for _ in range(5):
        people.append(str(installation.add_person(Role.CLINICIAN).user_id))
        installation.clock.advance(seconds=1)
    admin = installation.add_person(Role.ADMIN)
    browser = admin.sign_in()

    listed, cursor = [], None
    while True:
        page = browser.get(USERS, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        listed += [user["id"] for user in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert listed == [str(admin.user_id), *reversed(people)]
    assert browser.get(USERS, params={"cursor": "made up"}).status_code == 422


def test_sites_are_made_renamed_and_deleted_when_empty(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    site = admin.post(SITES, json={"name": "  St. Mary's "}).json()
    assert site["name"] == "St. Mary's"
    assert admin.post(SITES, json={"name": "St. Mary's"}).json()["code"] == "site_name_taken"
    assert admin.patch(f"{SITES}/{site['id']}", json={"name": "North"}).json()["name"] == "North"
    assert "North" in [listed["name"] for listed in admin.get(SITES).json()]

    person = installation.add_person(Role.CLINICIAN)
    assert admin.delete(f"{SITES}/{person.site_id}").json()["code"] == "site_in_use"
    assert admin.delete(f"{SITES}/{site['id']}").status_code == 204
    assert admin.delete(f"{SITES}/{site['id']}").status_code == 404
