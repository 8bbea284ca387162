"""The gateway's real application on a real PostgreSQL, Redis and S3, with a clock that tests move."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from gateway.app import create_app
from gateway.audit.models import AuditEvent
from gateway.auth.models import User, UserState
from gateway.auth.secrets import hash_password
from gateway.database import migrate
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from gateway.sites.models import Site
from ictus.domain.enums import Role

PASSWORD = "correct horse battery staple"
_PASSWORD_HASH = hash_password(PASSWORD)


class MovingClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        """Move forward by a ``timedelta``'s keywords."""
        self.now += timedelta(**step)


@dataclass
class Person:
    """Somebody with an account, and the means to sign in from browsers of their own."""

    user_id: UUID
    site_id: UUID
    email: str
    role: Role
    app: FastAPI = field(repr=False)

    def sign_in(self, password: str = PASSWORD) -> TestClient:
        """A browser in which this person has signed in; it sends the CSRF token by itself."""
        browser = TestClient(self.app)
        answer = browser.post("/api/v1/auth/login", json={"email": self.email, "password": password})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return browser


@dataclass(frozen=True)
class Household:
    """The installation of a test: its application, its clock, its people."""

    app: FastAPI
    clock: MovingClock
    resources: Resources

    def browser(self) -> TestClient:
        """A browser in which nobody has signed in."""
        return TestClient(self.app)

    def add_site(self, name: str | None = None) -> UUID:
        """A new site."""
        site = Site(id=uuid4(), name=name or f"Site {uuid4().hex[:8]}", created_at=self.clock())
        with self.resources.sessions.begin() as session:
            session.add(site)
        return site.id

    def add_person(self, role: Role, site_id: UUID | None = None) -> Person:
        """Somebody who may sign in with ``PASSWORD``, at a new site unless one is given."""
        site_id = site_id or self.add_site()
        user = User(
            id=uuid4(),
            email=f"{role.value}-{uuid4().hex[:8]}@example.org",
            name="Test Person",
            password_hash=_PASSWORD_HASH,
            must_change_password=False,
            state=UserState.ACTIVE,
            role=role,
            site_id=site_id,
            created_at=self.clock(),
        )
        with self.resources.sessions.begin() as session:
            session.add(user)
        return Person(user.id, site_id, user.email, role, self.app)

    def audit(self) -> list[AuditEvent]:
        """The audit trail, oldest first."""
        with self.resources.sessions() as session:
            return list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


@pytest.fixture(scope="module")
def migrated_database(gateway_database: str) -> str:
    """A database with the gateway's tables, for the tests of one module."""
    migrate(gateway_database)
    return gateway_database


@pytest.fixture(scope="module")
def database_admin(migrated_database: str, postgres: "object") -> Iterator[Engine]:
    """The superuser on the module's database, for what no role of the gateway may do."""
    url = make_url(migrated_database)
    dsn = dict(part.split("=", 1) for part in postgres.admin_dsn.split())  # type: ignore[attr-defined]
    engine = create_engine(
        url.set(drivername="postgresql+psycopg2", username=dsn["user"], password=dsn["password"])
    )
    yield engine
    engine.dispose()


@pytest.fixture
def clean_database(migrated_database: str, database_admin: Engine) -> str:
    """The module's database with every table empty."""
    with database_admin.begin() as connection:
        names = connection.scalars(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname = 'gateway' AND tablename <> 'alembic_version'"
            )
        )
        tables = ", ".join(names)
        # as a replica applies changes: without the trigger that keeps the audit trail append-only
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return migrated_database


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def make_settings(
    clean_database: str, redis_server: "object", s3: "object"
) -> Callable[..., GatewaySettings]:
    """Settings for the test's database; keywords change single ones."""

    def make(**changes: object) -> GatewaySettings:
        values = {
            "database_url": clean_database,
            "redis_url": redis_server.url,  # type: ignore[attr-defined]
            "s3_endpoint": s3.endpoint,  # type: ignore[attr-defined]
            "s3_access_key": s3.access_key,  # type: ignore[attr-defined]
            "s3_secret_key": s3.secret_key,  # type: ignore[attr-defined]
            "s3_bucket": "gateway-tests",
            "s3_secure": False,
            "feedback_url": "http://127.0.0.1:9",
            "inference_token": secrets.token_hex(32),
            "feedback_token": secrets.token_hex(32),
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
def household(settings: GatewaySettings, clock: MovingClock) -> Iterator[Household]:
    """The application with no people in it yet."""
    app = create_app(settings, clock=clock)
    resources: Resources = app.state.resources
    resources.store.ensure_bucket()
    yield Household(app, clock, resources)
    resources.close()


@pytest.fixture
def db(household: Household) -> Iterator[Session]:
    """A session beside the application's, to look at what was written."""
    with household.resources.sessions() as session:
        yield session


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    """A built web UI in miniature."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Ictus</title>")
    (tmp_path / "assets" / "app-1a2b3c.js").write_text("export {}")
    return tmp_path
