"""What no database keeps (NUL characters, numbers without end) is refused as the caller's mistake, wherever it stands."""

import base64
import json
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from tests.gateway.installation import Installation

from ictus.domain.enums import Role

NUL = "a\0b"
ENDLESS = base64.urlsafe_b64encode(b"9" * 40).decode()


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/v1/auth/login", {"email": "a\0@b.org", "password": "x"}),
        ("/api/v1/auth/register", {"email": "a@b.org", "name": NUL, "password": "three blue buckets"}),
        ("/api/v1/auth/register", {"email": "a@b.org", "name": "\ud800", "password": "three blue buckets"}),
        ("/api/v1/admin/sites", {"name": NUL}),
        (
            "/api/v1/admin/api-keys",
            {"name": NUL, "site_id": str(uuid4()), "scopes": ["studies:read"]},
        ),
        ("/api/v1/studies/search", {"text": NUL}),
    ],
)
def test_text_that_cannot_be_kept_is_refused(
    installation: Installation, address: str, body: dict[str, object]
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    answer = admin.post(address, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "query",
    [
        "/api/v1/admin/audit?action=%00",
        f"/api/v1/admin/audit?cursor={ENDLESS}",
        "/api/v1/admin/audit?since=0001-01-01T00:00:00%2B14:00",
        "/api/v1/studies?cursor=%00",
        "/api/v1/studies?received_after=9999-12-31T23:59:59-14:00",
        "/api/v1/models/%00",
        "/api/v1/fhir/Device/%00",
        "/api/v1/fhir/Patient?_id=%00",
        "/api/v1/auth/oidc/callback?state=%00&code=%00",
    ],
)
def test_address_that_names_what_cannot_be_is_refused(installation: Installation, query: str) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    answer = admin.get(query, follow_redirects=False)
    assert answer.status_code < 500 or answer.json().get("code") == "unavailable", answer.text


def test_what_cannot_be_kept_is_logged_without_itself(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    with capture_logs() as logged:
        assert admin.post("/api/v1/admin/sites", json={"name": "canary\0"}).status_code == 422
    (told,) = (line for line in logged if line["event"] == "value_unstorable")
    assert told["log_level"] == "warning"
    assert "canary" not in str(logged)
