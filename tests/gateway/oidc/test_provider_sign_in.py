"""Signing in at the hospital's provider: the way there and back, who is let in, and what proves nothing."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from sqlalchemy import func, select
from tests.gateway.installation import PASSWORD, Installation, MovingClock, new_browser
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

from gateway.app import create_app
from gateway.audit.models import ActorKind, Outcome
from gateway.auth.models import User, UserState
from gateway.auth.tasks import purge_sessions
from gateway.oidc.models import PendingSignIn
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

SIGN_IN = "/api/v1/auth/oidc/sign-in"
ME = "/api/v1/auth/me"
ANA = {"sub": "4711", "email": "Ana.Lopez@Hospital.org", "email_verified": True, "name": "Ana López"}

Install = Callable[..., Installation]


@pytest.fixture
def provider(clock: MovingClock) -> Iterator[Provider]:
    with running_provider(lambda: clock().timestamp()) as running:
        running.person = dict(ANA)
        yield running


@pytest.fixture
def install(
    make_settings: Callable[..., GatewaySettings], clock: MovingClock, provider: Provider
) -> Iterator[Install]:
    """An installation that sends people to the provider; keywords are settings."""
    made: list[Installation] = []

    def installed(**changes: Any) -> Installation:
        settings = make_settings(
            **{
                "oidc_issuer": provider.issuer,
                "oidc_client_id": CLIENT_ID,
                "oidc_client_secret": CLIENT_SECRET,
            }
            | changes
        )
        app = create_app(settings, clock=clock)
        made.append(Installation(app, clock, app.state.resources))
        return made[-1]

    yield installed
    for one in made:
        one.resources.close()


def way_back(browser: TestClient) -> str:
    """Go to the provider, and stop before coming back: the callback's address."""
    sent = browser.get(SIGN_IN, follow_redirects=False)
    assert sent.status_code == 303, sent.text
    back = httpx.get(sent.headers["Location"])
    return back.headers["Location"]


def come_back(browser: TestClient, address: str | None = None) -> str:
    """Come back from the provider: where the browser is led then."""
    answer = browser.get(address or way_back(browser), follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def problem(location: str) -> str:
    assert urlsplit(location).path == "/login"
    return parse_qs(urlsplit(location).query)["problem"][0]


def person(installation: Installation) -> User:
    with installation.resources.sessions() as session:
        return session.scalars(select(User).where(User.email == "ana.lopez@hospital.org")).one()


def test_unknown_person_waits_for_approval_then_signs_in_and_out(install: Install) -> None:
    installation = install()
    browser = installation.browser()
    assert problem(come_back(browser)) == "account_pending"
    assert browser.get(ME).status_code == 401

    registered = person(installation)
    assert (registered.state, registered.name, registered.password_hash) == (
        UserState.PENDING,
        "Ana López",
        None,
    )
    site_id = installation.add_site()
    admin = installation.add_person(Role.ADMIN).sign_in()
    approval = {"role": "radiologist", "site_id": str(site_id)}
    assert admin.post(f"/api/v1/admin/users/{registered.id}/approve", json=approval).status_code == 200

    assert come_back(browser) == "/"
    me = browser.get(ME).json()
    assert (me["user"]["email"], me["user"]["role"]) == ("ana.lopez@hospital.org", "radiologist")
    opened = [row for row in installation.audit() if row.action == "session.open_by_provider"][-1]
    assert (opened.outcome, opened.actor_kind, opened.actor_id) == (
        Outcome.DONE,
        ActorKind.USER,
        registered.id,
    )
    token = dict(browser.cookies)
    browser.headers["X-CSRF-Token"] = me["csrf_token"]
    assert browser.post("/api/v1/auth/logout").status_code == 204
    assert new_browser(installation.app, cookies=token).get(ME).status_code == 401


def test_claims_give_role_and_site_and_take_them(install: Install, provider: Provider) -> None:
    installation = install(
        oidc_role_claim="groups",
        oidc_roles={"ictus-admins": "admin", "radiology": "radiologist"},
        oidc_site_claim="site",
        oidc_sites={"A": "Site A", "B": "Site B"},
        oidc_unknown="refused",
    )
    sites = {name: installation.add_site(f"Site {name}") for name in "AB"}
    browser = installation.browser()
    assert problem(come_back(browser)) == "oidc_person_unknown"
    provider.person |= {"groups": ["staff", "radiology"], "site": "A"}
    assert come_back(browser) == "/"
    assert (person(installation).role, person(installation).site_id) == (Role.RADIOLOGIST, sites["A"])

    elsewhere = installation.browser()
    provider.person |= {"site": ["B"]}
    assert come_back(elsewhere) == "/"
    assert person(installation).site_id == sites["B"]
    assert browser.get(ME).status_code == 401, "who moved must sign in again"
    provider.person |= {"site": "of nobody"}
    assert come_back(elsewhere) == "/", "claims that say nothing change nothing"


def test_person_is_known_by_the_subject_whatever_else_changes(install: Install, provider: Provider) -> None:
    installation = install()
    assert problem(come_back(installation.browser())) == "account_pending"
    provider.person |= {"email": "ana.garcia@hospital.org", "name": "Ana García"}
    assert problem(come_back(installation.browser())) == "account_pending"
    with installation.resources.sessions() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_local_account_is_not_taken_by_its_address(install: Install, provider: Provider) -> None:
    installation = install()
    local = installation.add_person(Role.ADMIN)
    provider.person["email"] = local.email
    assert problem(come_back(installation.browser())) == "oidc_address_taken"

    linking = install(oidc_link_by_email=True)
    provider.person["email_verified"] = False
    assert problem(come_back(linking.browser())) == "oidc_address_taken"
    provider.person["email_verified"] = True
    browser = linking.browser()
    assert come_back(browser) == "/"
    assert browser.get(ME).json()["user"]["id"] == str(local.user_id)
    assert local.sign_in().get(ME).status_code == 200, "the password still does"


def test_closed_account_stays_closed(install: Install, provider: Provider) -> None:
    rules = {
        "oidc_role_claim": "groups",
        "oidc_roles": {"radiology": "radiologist"},
        "oidc_site_claim": "site",
        "oidc_sites": {"A": "Site A"},
    }
    installation = install(**rules)
    installation.add_site("Site A")
    provider.person |= {"groups": "radiology", "site": "A"}
    assert come_back(installation.browser()) == "/"
    admin = installation.add_person(Role.ADMIN).sign_in()
    assert admin.post(f"/api/v1/admin/users/{person(installation).id}/disable").status_code == 200
    assert problem(come_back(installation.browser())) == "account_disabled"


def test_person_without_a_password_cannot_sign_in_with_one(install: Install) -> None:
    installation = install()
    come_back(installation.browser())
    for password in ("", "None", PASSWORD):
        answer = installation.browser().post(
            "/api/v1/auth/login", json={"email": "ana.lopez@hospital.org", "password": password}
        )
        assert answer.status_code in {401, 422}


def test_only_the_browser_that_was_sent_comes_back_and_only_once(install: Install) -> None:
    installation = install()
    browser = installation.browser()
    address = way_back(browser)
    assert problem(come_back(installation.browser(), address)) == "oidc_refused", "another's browser"
    assert problem(come_back(browser, address)) == "oidc_refused", "used up by the stranger"
    address = way_back(browser)
    assert problem(come_back(browser, address)) == "account_pending"
    assert problem(come_back(browser, address)) == "oidc_refused"
    for query in ("", "?code=x", "?state=x", "?state=x&code=y", "?error=access_denied&state=x"):
        assert problem(come_back(browser, f"/api/v1/auth/oidc/callback{query}")) == "oidc_refused"
    address = way_back(browser)
    installation.clock.advance(minutes=10)
    assert problem(come_back(browser, address)) == "oidc_refused", "too late"


def test_code_of_somebody_else_is_worth_nothing(install: Install) -> None:
    """An attacker's code in the victim's sign-in: the provider's PKCE check and the nonce both fail."""
    installation = install()
    attacker, victim = installation.browser(), installation.browser()
    stolen = parse_qs(urlsplit(way_back(attacker)).query)["code"][0]
    state = parse_qs(urlsplit(way_back(victim)).query)["state"][0]
    address = f"/api/v1/auth/oidc/callback?state={state}&code={stolen}"
    assert problem(come_back(victim, address)) == "oidc_refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://elsewhere"},
        {"aud": "another"},
        {"aud": ["ictus", "another"]},
        {"aud": ["ictus", "another"], "azp": "another"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
)
def test_token_that_proves_nothing_is_refused(
    install: Install, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    assert problem(come_back(install().browser())) == "oidc_refused"


def test_token_of_another_key_is_refused_and_a_new_key_is_fetched(
    install: Install, provider: Provider
) -> None:
    installation = install()
    assert problem(come_back(installation.browser())) == "account_pending"
    fresh = RSAKey.generate_key(2048, {"kid": "second"})
    provider.published, provider.key = provider.key, fresh
    assert problem(come_back(installation.browser())) == "oidc_refused"
    provider.published = None
    assert problem(come_back(installation.browser())) == "account_pending"


def test_missing_address_is_said(install: Install, provider: Provider) -> None:
    del provider.person["email"]
    assert problem(come_back(install().browser())) == "oidc_claims_incomplete"


def test_provider_that_does_not_answer_is_said(install: Install, provider: Provider) -> None:
    gone = install(oidc_issuer="http://127.0.0.1:9")
    answer = gone.browser().get(SIGN_IN, follow_redirects=False)
    assert problem(answer.headers["Location"]) == "oidc_unavailable"
    provider.metadata_issuer = "http://elsewhere"
    answer = install().browser().get(SIGN_IN, follow_redirects=False)
    assert problem(answer.headers["Location"]) == "oidc_unavailable"


def test_button_is_offered_only_where_there_is_a_provider(
    install: Install, installation: Installation
) -> None:
    told = install(oidc_label="St. Mary's account").browser().get("/api/v1/auth/methods").json()
    assert told == {"provider": {"label": "St. Mary's account", "address": SIGN_IN}}
    without = installation.browser()
    assert without.get("/api/v1/auth/methods").json() == {"provider": None}
    answer = without.get(SIGN_IN, follow_redirects=False)
    assert problem(answer.headers["Location"]) == "oidc_not_configured"


def test_cookies_are_those_of_a_secure_site(install: Install) -> None:
    nameless = install(tls=True)
    answer = nameless.browser().get(SIGN_IN, follow_redirects=False)
    assert problem(answer.headers["Location"]) == "public_address_missing"
    installation = install(tls=True, public_url="https://ictus.example")
    answer = installation.browser().get(SIGN_IN, follow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-ictus_sign_in=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["redirect_uri"] == ["https://ictus.example/api/v1/auth/oidc/callback"]


def test_sign_ins_that_never_came_back_are_purged(install: Install) -> None:
    installation = install()
    way_back(installation.browser())
    installation.clock.advance(minutes=10)
    purge_sessions(installation.resources)
    with installation.resources.sessions() as session:
        assert session.scalar(select(func.count()).select_from(PendingSignIn)) == 0
