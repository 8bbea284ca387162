"""The dependencies that handlers are written with, as ``Annotated`` aliases.

Handlers are plain ``def`` (they run in a thread). ``DbSession`` is one transaction, committed with the request's audit
row when the handler has returned and before the answer leaves, rolled back on any error, which then has an audit row of
its own. A handler with long work before its first write calls ``session.commit()`` before that work, which gives the
connection back to the pool.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from feedback.audit.trail import write_audit_row
from feedback.database import TABLES, create_feedback_engine
from feedback.settings import FeedbackSettings, Policy
from ictus.http.problem import as_ictus_error
from ictus.storage import ObjectStore

_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Resources:
    """What the process holds open. ``clock`` gives the present time, with its time zone."""

    engine: Engine
    sessions: sessionmaker[Session]
    objects: ObjectStore
    policy: Policy
    clock: Callable[[], datetime]

    @classmethod
    def create(cls, settings: FeedbackSettings, clock: Callable[[], datetime] = utc_now) -> "Resources":
        """Make everything; nothing connects before its first use."""
        engine = create_feedback_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
        )
        objects = ObjectStore(
            settings.s3_endpoint,
            settings.s3_access_key.get_secret_value(),
            settings.s3_secret_key.get_secret_value(),
            settings.s3_bucket,
            secure=settings.s3_secure,
            read_seconds=settings.s3_read_seconds,
        )
        return cls(engine, sessionmaker(engine, expire_on_commit=False), objects, settings.policy, clock)

    def check_database(self) -> None:
        """Raise unless the database answers and has the tables that this release needs."""
        with self.engine.connect() as connection:
            TABLES.check(connection)

    def close(self) -> None:
        """Close every connection."""
        self.objects.close()
        self.engine.dispose()


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def audited_transaction(
    request: Request, resources: Annotated[Resources, Depends(_resources)]
) -> Iterator[Session]:
    """The request's transaction. It is the first dependency of every route, so it sees each refusal."""
    with resources.sessions() as session:
        try:
            yield session
            write_audit_row(session, request, resources.clock())
            session.commit()
        except Exception as error:
            session.rollback()
            _write_refusal(resources, request, error)
            raise


def _write_refusal(resources: Resources, request: Request, error: Exception) -> None:
    try:
        with resources.sessions.begin() as session:
            write_audit_row(session, request, resources.clock(), as_ictus_error(error))
    except Exception as failure:  # the caller still gets the first error; operators see both
        _log.error("audit_of_refusal_failed", exc_info=failure)


def _clock(resources: Annotated[Resources, Depends(_resources)]) -> Callable[[], datetime]:
    return resources.clock


def _policy(resources: Annotated[Resources, Depends(_resources)]) -> Policy:
    return resources.policy


def _objects(resources: Annotated[Resources, Depends(_resources)]) -> ObjectStore:
    return resources.objects


AuditedTransaction = Depends(audited_transaction, scope="function")
DbSession = Annotated[Session, AuditedTransaction]
Clock = Annotated[Callable[[], datetime], Depends(_clock)]
PolicyInForce = Annotated[Policy, Depends(_policy)]
Objects = Annotated[ObjectStore, Depends(_objects)]
