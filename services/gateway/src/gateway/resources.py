"""What a process of the gateway holds open: made once from the settings, handed to whoever needs it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from celery import Celery
from redis import Redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from gateway.database import create_gateway_engine, create_session_factory, import_models
from gateway.events.stream import EventHub
from gateway.identity import IdentityCipher
from gateway.models.service import ChampionWatch, registry_opener
from gateway.queues import create_celery
from gateway.settings import GatewaySettings
from ictus.http import ServiceClient
from ictus.storage import ObjectStore

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Resources:
    """Connections and keys of one process. ``clock`` gives the present time, with its time zone."""

    settings: GatewaySettings
    clock: Clock
    engine: Engine
    sessions: sessionmaker[Session]
    redis: "Redis[bytes]"
    store: ObjectStore
    cipher: IdentityCipher
    celery: Celery
    feedback: ServiceClient
    events: EventHub
    champion: ChampionWatch
    intakes: ThreadPoolExecutor

    @classmethod
    def create(cls, settings: GatewaySettings, clock: Clock = utc_now) -> Self:
        """Make everything; nothing connects before its first use."""
        import_models()  # tables refer to each other by name, whichever part of the gateway this process runs
        engine = create_gateway_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
        )
        sessions = create_session_factory(engine)
        return cls(
            settings=settings,
            clock=clock,
            engine=engine,
            sessions=sessions,
            redis=Redis.from_url(
                settings.redis_url.get_secret_value(), socket_timeout=3, socket_connect_timeout=3
            ),
            store=ObjectStore(
                settings.s3_endpoint,
                settings.s3_access_key.get_secret_value(),
                settings.s3_secret_key.get_secret_value(),
                settings.s3_bucket,
                settings.s3_secure,
            ),
            cipher=IdentityCipher.from_setting(settings.identity_key.get_secret_value()),
            celery=create_celery(settings),
            feedback=ServiceClient(str(settings.feedback_url), settings.feedback_token.get_secret_value()),
            events=EventHub(settings.database_url.get_secret_value(), sessions),
            champion=ChampionWatch(
                registry_opener(settings), clock, timedelta(seconds=settings.model_fresh_seconds)
            ),
            intakes=ThreadPoolExecutor(settings.concurrent_intakes, thread_name_prefix="intake"),
        )

    def check_database(self) -> None:
        """Raise unless the database answers."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.intakes.shutdown()
        self.events.close()
        self.feedback.close()
        self.celery.close()
        self.redis.close()
        self.engine.dispose()
