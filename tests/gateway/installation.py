"""An installation of the gateway for a test: its people, their browsers, and a clock that the test moves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from gateway.audit.models import AuditEvent
from gateway.auth.models import Scope, User, UserState
from gateway.auth.secrets import hash_password
from gateway.resources import Resources
from gateway.sites.models import Site
from ictus.domain.enums import Role

PASSWORD = "correct horse battery staple"
_PASSWORD_HASH = hash_password(PASSWORD)


ADDRESS = "203.0.113.7"
"""Where the browsers of the tests are."""


def new_browser(app: FastAPI, **options: Any) -> TestClient:
    """A browser at ``ADDRESS``."""
    return TestClient(app, client=(ADDRESS, 50000), **options)


class MovingClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        """Move forward by a ``timedelta``'s keywords."""
        self.now += timedelta(**step)


@dataclass(frozen=True)
class FeedbackService:
    """Where a feedback service listens, and what the gateway must show to it."""

    url: str
    token: str


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
        browser = new_browser(self.app)
        answer = browser.post("/api/v1/auth/login", json={"email": self.email, "password": password})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return browser


@dataclass(frozen=True)
class Installation:
    """The installation of a test: its application, its clock, its people."""

    app: FastAPI
    clock: MovingClock
    resources: Resources

    def browser(self) -> TestClient:
        """A browser in which nobody has signed in."""
        return new_browser(self.app)

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

    def add_api_client(self, *scopes: Scope, site_id: UUID | None = None) -> TestClient:
        """A machine that sends its API key, at a new site unless one is given."""
        site_id = site_id or self.add_site()
        admin = self.add_person(Role.ADMIN).sign_in()
        answer = admin.post(
            "/api/v1/admin/api-keys",
            json={"name": "router", "site_id": str(site_id), "scopes": list(scopes)},
        )
        assert answer.status_code == 201, answer.text
        return new_browser(self.app, headers={"Authorization": f"Bearer {answer.json()['key']}"})

    def audit(self) -> list[AuditEvent]:
        """The audit trail, oldest first."""
        with self.resources.sessions() as session:
            return list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
