"""The service around its features: schema, health, refusal to start."""

from collections.abc import Callable

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from psycopg2 import sql
from sqlalchemy import make_url, text
from tests.conftest import Postgres

from feedback.app import create_app
from feedback.cli import main
from feedback.database import SCHEMA, Base, create_feedback_engine, migrate
from feedback.settings import FeedbackSettings, SettingsError


def test_the_migrations_make_the_tables_that_the_models_describe(migrated_database: str) -> None:
    engine = create_feedback_engine(migrated_database)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO public"))
        connection.dialect.default_schema_name = "public"
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table_schema": SCHEMA,
                "include_schemas": True,
                "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(migrated_database: str) -> None:
    migrate(migrated_database)


def test_the_command_migrates_the_database_of_the_environment(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.fresh_database("feedback") as url:
        monkeypatch.setenv("ICTUS_DATABASE_URL", url)
        main(["migrate"])


def test_the_service_is_ready_when_its_database_answers(stranger: TestClient) -> None:
    assert stranger.get("/health/live").status_code == 200
    assert stranger.get("/health/ready").json()["parts"] == {"database": "ok"}


def test_without_its_database_the_service_lives_but_is_not_ready(
    settings: FeedbackSettings, make_settings: Callable[..., FeedbackSettings]
) -> None:
    gone = make_url(settings.database_url.get_secret_value()).set(database="gone")
    url = gone.render_as_string(hide_password=False)
    token = settings.feedback_token.get_secret_value()
    app = create_app(make_settings(database_url=url, feedback_token=token))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["missing"]) == (503, ["database"])
        listed = client.get(
            "/internal/v1/reviews", params={"site_id": "00000000-0000-4000-8000-000000000000"}
        )
        assert (listed.status_code, listed.json()["code"]) == (503, "unavailable")


def test_the_service_refuses_to_start_without_its_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from feedback.app import create_production_app

    for name in ("ICTUS_DATABASE_URL", "ICTUS_FEEDBACK_TOKEN", "ICTUS_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ICTUS_FEEDBACK_TOKEN", "short-secret")
    with pytest.raises(SettingsError) as refusal:
        create_production_app()
    assert "ICTUS_DATABASE_URL" in str(refusal.value)
    assert "ICTUS_FEEDBACK_TOKEN" in str(refusal.value)
    assert "short-secret" not in str(refusal.value)


def test_the_role_reaches_no_other_schema(migrated_database: str, postgres: Postgres) -> None:
    url = make_url(migrated_database)
    with psycopg2.connect(postgres.admin_dsn, dbname=url.database) as admin, admin.cursor() as cursor:
        cursor.execute("CREATE SCHEMA other CREATE TABLE secret (id int)")
    engine = create_feedback_engine(migrated_database)
    with engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text("SELECT * FROM other.secret"))
    engine.dispose()
    with psycopg2.connect(postgres.admin_dsn, dbname=url.database) as admin, admin.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier("other")))
