"""The audit trail: in the deed's transaction, append-only, readable by administrators."""

from typing import Annotated
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.gateway.installation import ADDRESS, PASSWORD, Installation

from gateway.audit.models import ActorKind, Outcome
from gateway.deps import AuditEntry, DbSession, api_router, audited
from gateway.sites.models import Site
from ictus.domain.enums import Role
from ictus.domain.errors import ConflictError

AUDIT = "/api/v1/admin/audit"


def test_deed_and_its_audit_row_are_one_transaction(installation: Installation, db: Session) -> None:
    router = api_router("/testing", tag="testing")

    @router.post("/{site_id}")
    def fail_after_writing(
        site_id: str, session: DbSession, audit: Annotated[AuditEntry, audited("site.test", "site")]
    ) -> None:
        session.add(Site(id=uuid4(), name="never", created_at=installation.clock()))
        session.flush()
        audit.detail["reached"] = True
        raise ConflictError

    @router.get("/unstorable")
    def succeed_but_fail_to_audit(audit: Annotated[AuditEntry, audited("site.test", "site")]) -> str:
        audit.detail["invalid"] = object()  # no JSON can hold it
        return "must not be sent"

    installation.app.include_router(router)
    browser = installation.browser()
    site_id = str(uuid4())
    assert browser.post(f"/api/v1/testing/{site_id}").status_code == 409
    (row,) = installation.audit()
    assert (row.action, row.object_id, row.outcome, row.code) == (
        "site.test",
        site_id,
        Outcome.REFUSED,
        "conflict",
    )
    assert db.query(Site).count() == 0

    unaudited = browser.get("/api/v1/testing/unstorable")
    assert unaudited.status_code == 500
    assert "must not be sent" not in unaudited.text


def test_route_without_audited_action_cannot_be_declared() -> None:
    router = api_router("/testing", tag="testing")
    with pytest.raises(TypeError, match="must declare one audited"):

        @router.get("/silent")
        def silent() -> None: ...


def test_row_says_who_did_what_from_where(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN)
    browser = admin.sign_in()
    made = browser.post(
        "/api/v1/admin/sites", json={"name": "North"}, headers={"X-Request-ID": "request-0815"}
    )
    row = installation.audit()[-1]
    assert made.headers["X-Request-ID"] == "request-0815"
    assert (row.action, row.object_type, row.object_id) == ("site.create", "site", made.json()["id"])
    assert (row.actor_kind, row.actor_id, row.site_id) == (ActorKind.USER, admin.user_id, admin.site_id)
    assert (row.outcome, row.request_id, row.address) == (Outcome.DONE, "request-0815", ADDRESS)


def test_refused_person_is_named(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    person.sign_in().get("/api/v1/admin/users")
    row = installation.audit()[-1]
    assert (row.action, row.outcome, row.code) == ("user.list", Outcome.REFUSED, "role_refused")
    assert row.actor_id == person.user_id


def test_invalid_requests_are_in_the_trail(installation: Installation) -> None:
    browser = installation.add_person(Role.ADMIN).sign_in()
    browser.post("/api/v1/admin/sites", json={"nme": "North"})
    browser.post("/api/v1/admin/sites", content="{broken", headers={"Content-Type": "application/json"})
    too_large = browser.post("/api/v1/admin/sites", json={"name": "x" * (1 << 20)})
    assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
    rows = [(row.action, row.outcome, row.code) for row in installation.audit()[-3:]]
    assert rows == [
        ("site.create", Outcome.REFUSED, "validation_failed"),
        ("site.create", Outcome.REFUSED, "validation_failed"),
        ("site.create", Outcome.REFUSED, "too_large"),
    ]


def test_what_is_typed_in_place_of_an_id_stays_out_of_the_trail(installation: Installation) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    assert browser.get("/api/v1/studies/Canary^Identity").status_code == 422
    row = installation.audit()[-1]
    assert (row.action, row.object_id, row.code) == ("study.read", None, "validation_failed")


def test_trail_holds_no_identity_and_no_secret(installation: Installation) -> None:
    person = installation.add_person(Role.CLINICIAN)
    person.sign_in()
    installation.browser().post(
        "/api/v1/auth/register",
        json={"email": "canary@example.org", "name": "Canary Name", "password": PASSWORD},
    )
    written = " ".join(str(vars(row)) for row in installation.audit())
    for secret in (person.email, PASSWORD, "canary", "Canary"):
        assert secret not in written


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gateway.audit_events SET action = 'x'",
        "DELETE FROM gateway.audit_events",
        "TRUNCATE gateway.audit_events",
    ],
)
def test_trail_is_append_only(
    installation: Installation, db: Session, database_admin: Engine, statement: str
) -> None:
    installation.add_person(Role.CLINICIAN).sign_in()
    with pytest.raises(DBAPIError, match="append-only"):
        db.execute(text(statement))
    with database_admin.connect() as superuser, pytest.raises(DBAPIError, match="append-only"):
        superuser.execute(text(statement))
    assert installation.audit()


def test_administrator_reads_the_trail_page_by_page_and_filtered(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN)
    browser = admin.sign_in()
    for number in range(5):
        browser.post("/api/v1/admin/sites", json={"name": f"Site {number}"})
    wanted = {"action": "site.create", "outcome": "done", "actor_id": str(admin.user_id), "limit": "2"}

    seen, cursor = [], None
    while True:
        page = browser.get(AUDIT, params=wanted | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == 5
    assert [row["id"] for row in seen] == sorted((row["id"] for row in seen), reverse=True)
    assert {(row["action"], row["actor_name"], row["address"]) for row in seen} == {
        ("site.create", "Test Person", ADDRESS)
    }
    assert browser.get(AUDIT, params={"action": "audit.list"}).json()["items"], "reading it is audited"
