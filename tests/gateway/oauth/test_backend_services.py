"""SMART backend services: who gets a token, what it opens, and how it ends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.installation import Installation, new_browser
from tests.gateway.oauth.backend_system import (
    CLIENTS,
    TOKEN,
    BackendSystem,
    elliptic_key,
    rsa_key,
    with_token,
)

from gateway.app import create_app
from gateway.audit.models import ActorKind, Outcome
from gateway.auth.secrets import token_hash
from gateway.auth.tasks import purge_sessions
from gateway.oauth.models import AccessToken, UsedAssertion
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

STUDIES = "/api/v1/studies"


@pytest.mark.parametrize("make_key", [elliptic_key, rsa_key])
def test_system_that_signs_with_its_key_gets_a_token(
    installation: Installation, db: Session, make_key: Callable[[], ECKey]
) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"], key=make_key())
    answer = system.ask("system/*.rs")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 300, "system/*.rs")
    assert answer.headers["Cache-Control"] == "no-store"
    assert db.scalars(select(AccessToken.token_hash)).all() == [token_hash(told["access_token"])]
    assert with_token(installation, told["access_token"]).get(STUDIES).status_code == 200


def test_token_names_its_client_in_the_audit_trail(installation: Installation) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    machine = system.signed_in()
    machine.get(STUDIES)
    issued, listed = installation.audit()[-2:]
    assert (issued.action, issued.detail) == ("oauth_token.issue", {"scopes": "system/*.rs"})
    for row in (issued, listed):
        assert (row.actor_kind, str(row.actor_id)) == (ActorKind.API_CLIENT, system.client_id)
        assert row.site_id == system.site_id
    admin = installation.add_person(Role.ADMIN).sign_in()
    (shown,) = admin.get("/api/v1/admin/audit", params={"action": "study.list"}).json()["items"]
    assert shown["actor_name"] == "EHR"


def _now(system: BackendSystem) -> int:
    return int(system.installation.clock().timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://elsewhere/api/v1/oauth/token"},
        {"aud": None},
        {"sub": "6f1c1c3e-5f0b-4a5e-8d0b-8a0f6a4c2d10"},
        {"iss": "6f1c1c3e-5f0b-4a5e-8d0b-8a0f6a4c2d10"},
        {"iss": "nobody"},
        {"iss": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"jti": None},
        {"jti": 7},
        {"jti": "x" * 1025},
        {"kid": None},
        {"kid": "key-2"},
    ],
)
def test_assertion_that_proves_nothing_is_refused(
    installation: Installation, changes: dict[str, Any]
) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    answer = system.ask(assertion=system.assertion(**changes))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["content-type"] == "application/json"
    row = installation.audit()[-1]
    assert (row.action, row.outcome, row.code) == ("oauth_token.issue", Outcome.REFUSED, "invalid_client")
    assert row.actor_kind is ActorKind.ANONYMOUS


@pytest.mark.parametrize("seconds", [-31, 331, 3600])
def test_assertion_that_is_over_or_lives_too_long_is_refused(
    installation: Installation, seconds: int
) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    answer = system.ask(assertion=system.assertion(exp=_now(system) + seconds))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_assertion_signed_by_another_key_is_refused(installation: Installation) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    system.key = elliptic_key()
    assert system.ask().status_code == 401


def test_assertion_signed_by_anything_but_a_private_key_is_refused(installation: Installation) -> None:
    """A shared secret, no signature at all, an algorithm that is not offered."""
    system = BackendSystem.register(installation, ["system/*.rs"], key=rsa_key())
    system.key = OctKey.generate_key(256)  # type: ignore[assignment]
    assert system.ask(assertion=system.assertion(algorithm="HS256")).status_code == 401
    head, claims, _ = BackendSystem.register(installation, ["system/*.rs"]).assertion().split(".")
    assert system.ask(assertion=f"{head}.{claims}.").status_code == 401
    other = BackendSystem.register(installation, ["system/*.rs"], key=rsa_key())
    assert other.ask(assertion=other.assertion(algorithm="RS256")).status_code == 401
    for nonsense in ("a.b.c", "..", "x", "é.é.é", "e30.e30.e30"):
        assert system.ask(assertion=nonsense).status_code == 401


def test_assertion_is_good_for_one_token(installation: Installation) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    assertion = system.assertion()
    assert system.ask(assertion=assertion).status_code == 200
    again = system.ask(assertion=assertion)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    neighbour = BackendSystem.register(installation, ["system/*.rs"])
    assert neighbour.ask(assertion=neighbour.assertion(jti="same")).status_code == 200
    assert system.ask(assertion=system.assertion(jti="same")).status_code == 200, "jti is the client's own"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": None}, 401, "invalid_client"),
        ({"client_assertion_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 401, "invalid_client"),
        ({"client_id": "somebody else"}, 401, "invalid_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "system/Patient.rs"}, 400, "invalid_scope"),
        ({"scope": "patient/ImagingStudy.rs launch"}, 400, "invalid_scope"),
    ],
)
def test_refusals_are_those_of_rfc_6749(
    installation: Installation, changes: dict[str, str | None], status: int, error: str
) -> None:
    system = BackendSystem.register(installation, ["system/ImagingStudy.rs"])
    answer = system.ask(**({"scope": "system/ImagingStudy.rs"} | changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_body_that_is_no_form_is_refused_in_the_same_words(installation: Installation) -> None:
    answer = installation.browser().post(TOKEN, json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    large = installation.browser().post(TOKEN, data={"scope": "x" * 2**21})
    assert (large.status_code, large.json()["error"]) == (400, "invalid_request")


def test_token_allows_no_more_than_was_registered_and_asked_for(installation: Installation) -> None:
    system = BackendSystem.register(
        installation, ["system/ImagingStudy.rs", "system/Observation.r", "studies:write"]
    )
    told = system.ask("system/*.rs openid studies:write").json()
    assert told["scope"] == (
        "system/ServiceRequest.c system/ImagingStudy.rs system/Observation.r studies:write"
    ), "who may send scans may order their analysis"
    assert system.ask("system/ImagingStudy.read").json()["scope"] == "system/ImagingStudy.rs"
    narrow = system.signed_in("system/ImagingStudy.rs")
    refused = narrow.get(STUDIES)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_refused"), "it shows patients' names"


def test_token_is_no_person(installation: Installation) -> None:
    machine = BackendSystem.register(installation, ["system/*.cruds", "studies:read"]).signed_in(
        "system/*.cruds studies:read"
    )
    for path in ("/api/v1/auth/me", "/api/v1/admin/users", CLIENTS):
        assert machine.get(path).json()["code"] == "role_refused"


def test_token_ends_with_its_time_and_at_once_with_its_client(
    installation: Installation, db: Session
) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    passing = system.signed_in()
    installation.clock.advance(seconds=299)
    assert passing.get(STUDIES).status_code == 200
    installation.clock.advance(seconds=1)
    assert passing.get(STUDIES).status_code == 401

    lasting = system.signed_in()
    admin = installation.add_person(Role.ADMIN).sign_in()
    assert admin.delete(f"{CLIENTS}/{system.client_id}").status_code == 204
    assert lasting.get(STUDIES).status_code == 401
    assert system.ask().json()["error"] == "invalid_client"
    (listed,) = [one for one in admin.get(CLIENTS).json() if one["id"] == system.client_id]
    assert listed["revoked_at"]


def test_replaced_keys_are_worth_nothing(installation: Installation) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    fresh = elliptic_key("key-2")
    admin = installation.add_person(Role.ADMIN).sign_in()
    put = admin.put(f"{CLIENTS}/{system.client_id}/keys", json={"keys": [fresh.as_dict(private=False)]})
    assert (put.status_code, put.json()["key_ids"]) == (200, ["key-2"])
    assert system.ask().status_code == 401
    system.key = fresh
    assert system.ask(assertion=system.assertion(kid="key-2")).status_code == 200


def test_keys_that_must_not_be_registered_are_refused(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    good = elliptic_key().as_dict(private=False)
    draft = {"name": "EHR", "site_id": str(installation.add_site()), "scopes": ["system/*.rs"]}
    bad = [
        [elliptic_key().as_dict(private=True)],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}],
        [rsa_key(bits=1024).as_dict(private=False)],
        [ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False)],
        [{**good, "kid": None}],
        [good, good],
        [{**good, "x": "AAAA"}],
        [{"kid": "a"}],
        [{"kty": "RSA", "kid": "a"}],
    ]
    for keys in bad:
        answer = admin.post(CLIENTS, json=draft | {"jwks": {"keys": keys}})
        assert (answer.status_code, answer.json()["code"]) == (422, "keys_refused"), keys
    unknown = admin.post(CLIENTS, json=draft | {"scopes": ["system/Basic.rs"], "jwks": {"keys": [good]}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "scope_unknown")


def test_what_is_over_is_purged(installation: Installation, db: Session) -> None:
    system = BackendSystem.register(installation, ["system/*.rs"])
    system.signed_in()
    installation.clock.advance(minutes=6)
    system.signed_in()
    purge_sessions(installation.resources)
    for table in (AccessToken, UsedAssertion):
        assert db.scalar(select(func.count()).select_from(table)) == 1


def test_audience_is_what_the_installation_was_told(make_settings: Callable[..., GatewaySettings]) -> None:
    """Behind TLS a request's own Host header decides nothing."""

    def installed(**changes: object) -> Installation:
        app = create_app(make_settings(tls=True, **changes))
        return Installation(app, app.state.resources.clock, app.state.resources)

    nameless = new_browser(installed().app)
    answer = nameless.post(
        TOKEN,
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "a.b.c",
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "public_address_missing")


def test_lifetime_is_a_setting_within_smarts_bounds(make_settings: Callable[..., GatewaySettings]) -> None:
    assert make_settings().access_token_life == timedelta(minutes=5)
    with pytest.raises(ValueError, match="access_token_seconds"):
        make_settings(access_token_seconds=3601)
