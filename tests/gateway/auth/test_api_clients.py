"""API keys: shown once, stored hashed, bound to scopes and a site."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.installation import Installation, new_browser

from gateway.auth.models import ApiKey, Scope
from gateway.auth.secrets import token_hash
from ictus.domain.enums import Role

KEYS = "/api/v1/admin/api-keys"
STUDIES = "/api/v1/studies"


def client_with(installation: Installation, key: str) -> TestClient:
    return new_browser(installation.app, headers={"Authorization": f"Bearer {key}"})


def test_key_is_shown_once_and_stored_hashed(installation: Installation, db: Session) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    draft = {"name": "router", "site_id": str(installation.add_site()), "scopes": ["studies:read"]}
    issued = admin.post(KEYS, json=draft).json()
    assert db.scalars(select(ApiKey.key_hash)).all() == [token_hash(issued["key"])]
    (listed,) = admin.get(KEYS).json()
    assert listed["prefix"] == issued["key"][: len(listed["prefix"])]
    assert issued["key"] not in str(listed)


def test_key_does_what_its_scopes_allow(installation: Installation) -> None:
    reader = installation.add_api_client(Scope.STUDIES_READ)
    assert reader.get(STUDIES).status_code == 200
    assert reader.post(STUDIES, files={"files": b"x"}).json()["code"] == "role_refused"
    writer = installation.add_api_client(Scope.STUDIES_WRITE)
    assert writer.get(STUDIES).json()["code"] == "role_refused"


def test_key_is_no_person(installation: Installation) -> None:
    client = installation.add_api_client(*Scope)
    for path in ("/api/v1/auth/me", "/api/v1/admin/users", KEYS):
        assert client.get(path).json()["code"] == "role_refused"


def test_revoked_expired_and_unknown_keys_are_refused(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    expires_at = installation.clock() + timedelta(minutes=5)
    draft = {"name": "router", "site_id": str(installation.add_site()), "scopes": ["studies:read"]}
    lasting = admin.post(KEYS, json=draft).json()
    passing = admin.post(KEYS, json=draft | {"expires_at": expires_at.isoformat()}).json()

    assert client_with(installation, passing["key"]).get(STUDIES).status_code == 200
    installation.clock.advance(minutes=5)
    assert client_with(installation, passing["key"]).get(STUDIES).status_code == 401

    assert client_with(installation, lasting["key"]).get(STUDIES).status_code == 200
    assert admin.delete(f"{KEYS}/{lasting['api_key']['id']}").status_code == 204
    assert client_with(installation, lasting["key"]).get(STUDIES).status_code == 401

    assert client_with(installation, "ictus_" + "x" * 43).get(STUDIES).status_code == 401
