"""The dependencies that handlers are written with, as ``Annotated`` aliases.

Handlers are plain ``def`` (they run in a thread) and do not commit: ``DbSession`` is one transaction, committed
when the handler has returned and before the answer leaves, rolled back on any error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from feedback.database import create_feedback_engine
from feedback.settings import FeedbackSettings


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Resources:
    """What the process holds open. ``clock`` gives the present time, with its time zone."""

    engine: Engine
    sessions: sessionmaker[Session]
    clock: Callable[[], datetime]

    @classmethod
    def create(cls, settings: FeedbackSettings, clock: Callable[[], datetime] = utc_now) -> "Resources":
        """Make everything; nothing connects before its first use."""
        engine = create_feedback_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
        )
        return cls(engine, sessionmaker(engine, expire_on_commit=False), clock)

    def check_database(self) -> None:
        """Raise unless the database answers."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def _session(resources: Annotated[Resources, Depends(_resources)]) -> Iterator[Session]:
    with resources.sessions.begin() as session:
        yield session


def _clock(resources: Annotated[Resources, Depends(_resources)]) -> Callable[[], datetime]:
    return resources.clock


DbSession = Annotated[Session, Depends(_session, scope="function")]
Clock = Annotated[Callable[[], datetime], Depends(_clock)]
