"""The next-step rules: read and changed by administrators, versioned, and followed by the next report."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.installation import Installation, Person

from gateway.reports.errors import RulesChangedError
from gateway.reports.models import NextStepRules
from gateway.reports.rules import NextStepRulesService
from ictus.domain.enums import Role
from ictus.report import NextStepTable, default_table

from .conftest import Analysed

RULES = "/api/v1/admin/next-step-rules"


def table(text: str) -> dict[str, Any]:
    return {"rules": [{"id": "ours", "steps": [{"text": text}]}]}


@pytest.fixture
def admin(installation: Installation) -> Person:
    return installation.add_person(Role.ADMIN)


@pytest.fixture
def desk(admin: Person) -> TestClient:
    return admin.sign_in()


def test_the_built_in_rules_hold_until_somebody_changes_them(desk: TestClient) -> None:
    answer = desk.get(RULES).json()
    assert NextStepTable.model_validate(answer["table"]) == default_table()
    assert (answer["version"], answer["changed_by"]) == (0, None)


def test_a_change_is_the_next_version_and_names_who_made_it(
    desk: TestClient, admin: Person, installation: Installation
) -> None:
    answer = desk.put(RULES, json={"based_on": 0, "table": table("Consider a second reader.")})
    assert answer.status_code == 200, answer.text
    assert answer.json() == desk.get(RULES).json()
    assert answer.json()["version"] == 1
    assert answer.json()["changed_by"] == str(admin.user_id)
    row = next(row for row in installation.audit() if row.action == "next_step_rules.change")
    assert (row.object_id, row.actor_id) == ("1", admin.user_id)


def test_every_version_is_kept(desk: TestClient, db: Session) -> None:
    for version in range(3):
        desk.put(RULES, json={"based_on": version, "table": table(f"Consider {version}.")}).raise_for_status()
    kept = db.scalars(select(NextStepRules).order_by(NextStepRules.version)).all()
    assert [rules.rules["rules"][0]["steps"][0]["text"] for rules in kept] == [
        "Consider 0.", "Consider 1.", "Consider 2."
    ]  # fmt: skip


def test_a_change_of_rules_that_changed_meanwhile_is_refused(desk: TestClient) -> None:
    desk.put(RULES, json={"based_on": 0, "table": table("first")}).raise_for_status()
    late = desk.put(RULES, json={"based_on": 0, "table": table("second")})
    assert (late.status_code, late.json()["code"]) == (409, "rules_changed")
    assert desk.get(RULES).json()["table"]["rules"][0]["steps"][0]["text"] == "first"


def test_two_changes_at_the_same_moment_give_one_winner(installation: Installation, admin: Person) -> None:
    sessions, now = installation.resources.sessions, installation.clock()
    rules = NextStepTable.model_validate(table("x"))
    with sessions() as slow, sessions() as fast:
        slow.connection(execution_options={"isolation_level": "REPEATABLE READ"})  # sees nothing of the other
        service = NextStepRulesService(slow)
        assert service.current().version == 0
        NextStepRulesService(fast).replace(rules, 0, admin.user_id, now)
        fast.commit()
        with pytest.raises(RulesChangedError):
            service.replace(rules, 0, admin.user_id, now)
    with sessions() as session:
        assert NextStepRulesService(session).current().version == 1


def test_rules_that_cannot_be_meant_are_refused_field_by_field(desk: TestClient) -> None:
    wrong = {"rules": [{"id": "ours", "when": {"dispositions": ["sure"]}, "steps": []}]}
    answer = desk.put(RULES, json={"based_on": 0, "table": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    fields = {problem["field"] for problem in answer.json()["errors"]}
    assert fields >= {"body.table.rules.0.when.dispositions.0", "body.table.rules.0.steps"}


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RADIOLOGIST])
def test_only_administrators_see_and_change_rules(installation: Installation, role: Role) -> None:
    browser = installation.add_person(role).sign_in()
    assert browser.get(RULES).status_code == 403
    assert browser.put(RULES, json={"based_on": 0, "table": table("x")}).status_code == 403


def test_the_next_report_follows_the_changed_rules(
    desk: TestClient, analyse: Callable[..., Analysed], browser: TestClient
) -> None:
    study = analyse()
    before = browser.get(study.page)
    desk.put(RULES, json={"based_on": 0, "table": table("Consider the house rule.")}).raise_for_status()
    after = browser.get(study.page, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "Consider the house rule." in after.text
    assert "Consider asking a radiologist" not in after.text
