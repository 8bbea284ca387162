"""The gateway's real application on a real PostgreSQL, Redis and S3."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from tests.conftest import Postgres, RedisServer, S3Server
from tests.gateway.installation import FeedbackService, Installation, MovingClock
from tests.gateway.routes import PUBLIC, AnyId, routes_of
from tests.serving import served

from feedback.app import create_app as create_feedback
from feedback.database import migrate as migrate_feedback
from feedback.settings import FeedbackSettings
from gateway.app import create_app
from gateway.database import migrate
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from ictus.telemetry import configure_logging


@pytest.fixture(scope="session", autouse=True)
def logging_as_in_production() -> None:
    """Logs as a running gateway writes them."""
    configure_logging("gateway-tests")


@pytest.fixture(scope="module")
def migrated_database(postgres: Postgres) -> Iterator[str]:
    """A database with the gateway's tables, for the tests of one module."""
    with postgres.migrated_database("gateway", migrate) as url:
        yield url


@pytest.fixture(scope="module")
def database_admin(migrated_database: str, postgres: Postgres) -> Iterator[Engine]:
    """The superuser on the module's database, for what no role of the gateway may do."""
    url = make_url(migrated_database)
    dsn = dict(part.split("=", 1) for part in postgres.admin_dsn.split())
    engine = create_engine(
        url.set(drivername="postgresql+psycopg2", username=dsn["user"], password=dsn["password"])
    )
    yield engine
    engine.dispose()


_EMPTY = """
DO $$
DECLARE name text;
BEGIN
    -- as a replica applies changes: without foreign keys, and without the trigger that keeps the audit trail append-only
    SET LOCAL session_replication_role = replica;
    FOR name IN
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE schemaname = 'gateway' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    FOR name IN SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE schemaname = 'gateway'
    LOOP
        PERFORM setval(name, 1, false);
    END LOOP;
END $$
"""
"""Rows are few here; TRUNCATE makes the files of forty tables and their indexes anew."""


@pytest.fixture
def clean_database(migrated_database: str, database_admin: Engine) -> str:
    """The module's database with every table empty."""
    with database_admin.begin() as connection:
        connection.execute(text(_EMPTY))
    return migrated_database


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def make_settings(
    clean_database: str, redis_server: RedisServer, s3: S3Server
) -> Callable[..., GatewaySettings]:
    """Settings for the test's database; keywords change single ones."""

    def make(**changes: object) -> GatewaySettings:
        values = {
            "database_url": clean_database,
            "redis_url": redis_server.url,
            "s3_endpoint": s3.endpoint,
            "s3_access_key": s3.access_key,
            "s3_secret_key": s3.secret_key,
            "s3_bucket": "gateway-tests",
            "s3_secure": False,
            "feedback_url": "http://127.0.0.1:9",
            "inference_token": secrets.token_hex(32),
            "feedback_token": secrets.token_hex(32),
            "trainer_token": secrets.token_hex(32),
            "identity_key": Fernet.generate_key().decode(),
            "uid_key": secrets.token_hex(32),
            "tls": False,
            "address_free_attempts": 1000,
            "database_pool_size": 2,
        }
        return GatewaySettings.model_validate(values | changes)

    return make


@pytest.fixture
def settings(make_settings: Callable[..., GatewaySettings]) -> GatewaySettings:
    return make_settings()


@pytest.fixture
def installation(settings: GatewaySettings, clock: MovingClock) -> Iterator[Installation]:
    """The application with no people in it yet."""
    app = create_app(settings, clock=clock)
    resources: Resources = app.state.resources
    resources.store.ensure_bucket()
    yield Installation(app, clock, resources)
    resources.close()


@pytest.fixture
def db(installation: Installation) -> Iterator[Session]:
    """A session beside the application's, to look at what was written."""
    with installation.resources.sessions() as session:
        yield session


@pytest.fixture(scope="module")
def feedback_service(postgres: Postgres, s3: S3Server) -> Iterator[FeedbackService]:
    """A feedback service that listens, with a database of the module's own."""
    token = secrets.token_hex(32)
    with postgres.migrated_database("feedback", migrate_feedback) as database:
        settings = FeedbackSettings.model_validate(
            {
                "database_url": database,
                "feedback_token": token,
                "trainer_token": secrets.token_hex(32),
                "s3_endpoint": s3.endpoint,
                "s3_access_key": s3.access_key,
                "s3_secret_key": s3.secret_key,
                "s3_bucket": "gateway-tests",
                "s3_secure": False,
            }
        )
        with served(create_feedback(settings)) as url:
            yield FeedbackService(url, token)


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    """A built web UI in miniature."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Ictus</title>")
    (tmp_path / "assets" / "app-1a2b3c.js").write_text("export {}")
    return tmp_path


@pytest.fixture
def protected_routes(installation: Installation) -> list[tuple[str, str]]:
    """Method and address, with ids of nothing, of every route that wants somebody signed in."""
    return [
        (method, path.format_map(AnyId()))
        for method, path in routes_of(installation.app)
        if path.startswith("/api/") and (method, path) not in PUBLIC
    ]
