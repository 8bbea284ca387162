"""The application as operators and browsers meet it."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from tests.conftest import Postgres
from tests.gateway.installation import Installation, new_browser

from gateway.app import create_app
from gateway.database import after_commit, migrate, migration_config
from gateway.openapi import main as write_openapi
from gateway.openapi import openapi_document
from gateway.queues import COMPLETE_INCOMING, ERASE_EXPIRED, PURGE_SESSIONS, START_TRAINING
from gateway.settings import GatewaySettings, load_settings
from gateway.worker import create_worker
from ictus.contracts import tasks
from ictus.domain.enums import Role
from ictus.telemetry import configure_logging


def test_ready_says_which_parts_answer(installation: Installation) -> None:
    answer = installation.browser().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "redis": "ok", "objects": "ok"}


def test_ready_names_the_part_that_does_not_answer(make_settings: Callable[..., GatewaySettings]) -> None:
    browser = new_browser(create_app(make_settings(redis_url="redis://127.0.0.1:1/0")))
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["redis"])
    assert browser.get("/health/live").status_code == 200


def test_lost_database_is_a_503_that_asks_to_try_again(make_settings: Callable[..., GatewaySettings]) -> None:
    browser = new_browser(create_app(make_settings(database_url="postgresql://u:p@127.0.0.1:1/none")))
    answer = browser.post("/api/v1/auth/login", json={"email": "a@b.org", "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


def test_unexpected_error_is_a_500_without_details_and_one_log_line(installation: Installation) -> None:
    @installation.app.get("/boom")
    def boom() -> None:
        raise RuntimeError("Doe^Jane is in this message")

    written = io.StringIO()
    configure_logging("gateway-tests", stream=written)
    answer = installation.browser().get("/boom", headers={"X-Request-ID": "request-4711"})
    configure_logging("gateway-tests")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:ictus:problem:internal_error",
        "title": "Something went wrong on our side.",
        "status": 500,
        "code": "internal_error",
        "detail": "Something went wrong on our side.",
        "request_id": "request-4711",
    }
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (failure,) = [line for line in lines if line["level"] == "error"]
    assert failure["request_id"] == "request-4711"
    assert failure["exception"] == ["builtins.RuntimeError"]
    assert failure["frames"][-1].endswith(" boom")
    assert "Doe" not in written.getvalue()


def test_invalid_fields_are_named_without_repeating_them(installation: Installation) -> None:
    answer = installation.browser().post(
        "/api/v1/auth/register", json={"email": "not an address", "name": "", "password": "secret!"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert {error["field"] for error in answer.json()["errors"]} == {"body.email", "body.name"}
    assert "not an address" not in answer.text
    assert "secret!" not in answer.text


def test_unknown_addresses_and_methods_are_problems(installation: Installation) -> None:
    browser = installation.browser()
    assert browser.get("/api/v1/nothing").json()["code"] == "not_found"
    assert browser.put("/api/v1/auth/login").json()["code"] == "method_not_allowed"


def test_every_answer_carries_the_security_headers(
    make_settings: Callable[..., GatewaySettings], static_dir: Path
) -> None:
    browser = new_browser(create_app(make_settings(tls=True, static_dir=static_dir)))
    for path in ("/", "/health/live", "/api/v1/auth/me", "/api/v1/nothing", "/metrics"):
        headers = browser.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert "'unsafe-eval'" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert headers["X-Request-ID"]
    assert browser.get("/api/v1/auth/me").headers["Cache-Control"] == "no-store"


def test_web_ui_is_served_with_its_own_routes(
    make_settings: Callable[..., GatewaySettings], static_dir: Path
) -> None:
    browser = new_browser(create_app(make_settings(static_dir=static_dir)))
    page = {"Accept": "text/html"}
    assert "<title>Ictus" in browser.get("/", headers=page).text
    assert "<title>Ictus" in browser.get("/studies/42", headers=page).text
    assert browser.get("/").headers["Cache-Control"] == "no-cache"
    asset = browser.get("/assets/app-1a2b3c.js")
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert browser.get("/assets/gone.js").status_code == 404
    assert browser.get("/../conftest.py").status_code == 404
    assert browser.get("/api/v1/nothing").json()["code"] == "not_found"


def test_metrics_are_labelled_by_route_template(installation: Installation) -> None:
    browser = installation.add_person(Role.ADMIN).sign_in()
    browser.delete("/api/v1/admin/sites/1b0f8f0e-0000-4000-8000-000000000000")
    figures = browser.get("/metrics").text
    assert 'route="/api/v1/admin/sites/{site_id}",status="404"' in figures
    assert "1b0f8f0e" not in figures


def test_openapi_document_is_the_same_each_time_and_checked_against_its_file(tmp_path: Path) -> None:
    assert openapi_document() == openapi_document()
    path = tmp_path / "openapi.json"
    assert write_openapi([str(path)]) == 0
    assert write_openapi([str(path), "--check"]) == 0
    path.write_text("{}")
    assert write_openapi([str(path), "--check"]) == 1


def test_models_match_the_migrations(migrated_database: str) -> None:
    command.check(migration_config(migrated_database))


def test_migrations_go_down_and_up_again(postgres: Postgres) -> None:
    with postgres.fresh_database("gateway") as url:
        migrate(url)
        command.downgrade(migration_config(url), "base")
        migrate(url)


def test_hooks_run_after_the_commit_and_only_then(installation: Installation) -> None:
    rung: list[str] = []
    sessions = installation.resources.sessions
    with sessions() as session:
        session.execute(text("SELECT 1"))
        after_commit(session, lambda: rung.append("rolled back"))
        session.rollback()
        session.execute(text("SELECT 1"))
        after_commit(session, lambda: rung.append("committed"))
        with session.begin_nested():
            session.execute(text("SELECT 1"))
        assert not rung, "a savepoint is no commit"
        session.commit()
        session.commit()
    assert rung == ["committed"]


def test_failing_hook_leaves_the_commit_standing(installation: Installation) -> None:
    rung: list[str] = []
    with installation.resources.sessions.begin() as session:
        session.execute(text("SELECT 1"))
        after_commit(session, lambda: 1 / 0)
        after_commit(session, lambda: rung.append("second"))
    assert rung == ["second"]


def test_settings_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in GatewaySettings.model_fields:
        monkeypatch.delenv(f"ICTUS_{name.upper()}", raising=False)
    (tmp_path / "ictus_database_url").write_text("postgresql://from-a-file/x")
    monkeypatch.setenv("ICTUS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("ICTUS_UID_KEY", "short and secret")
    with pytest.raises(SystemExit) as refusal:
        load_settings(GatewaySettings)
    message = str(refusal.value)
    assert "ICTUS_IDENTITY_KEY" in message
    assert "ICTUS_UID_KEY" in message
    assert "ICTUS_DATABASE_URL" not in message
    assert "short and secret" not in message


def test_worker_has_every_scheduled_task(settings: GatewaySettings) -> None:
    celery = create_worker(settings)
    scheduled = {entry["task"] for entry in celery.conf.beat_schedule.values()}
    assert scheduled == {tasks.SWEEP, COMPLETE_INCOMING, ERASE_EXPIRED, PURGE_SESSIONS, START_TRAINING}
    assert scheduled <= set(celery.tasks)
    celery.close()


def test_logs_of_libraries_are_json_without_their_exceptions_messages() -> None:
    written = io.StringIO()
    configure_logging("gateway-tests", stream=written)
    try:
        {}["Doe^Jane"]
    except KeyError:
        logging.getLogger("some.library").exception("it failed")
    configure_logging("gateway-tests")
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["exception"] == ["builtins.KeyError"]
    assert "Doe" not in line
