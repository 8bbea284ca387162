"""What a process of the gateway holds open: made once from the settings, handed to whoever needs it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from celery import Celery
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from gateway.database import TABLES, create_gateway_engine, create_session_factory, import_models
from gateway.events.stream import EventHub
from gateway.identity import IdentityCipher
from gateway.models.registry import ModelRegistry, registry_opener
from gateway.models.service import ChampionWatch
from gateway.oidc.provider import OidcProvider
from gateway.operations.metrics import GatewayMetrics
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
    registry: Callable[[], ModelRegistry]
    champion: ChampionWatch
    intakes: ThreadPoolExecutor
    oidc: OidcProvider | None
    metrics: GatewayMetrics

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
        registry = registry_opener(settings)
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
            registry=registry,
            champion=ChampionWatch(registry, clock, timedelta(seconds=settings.model_fresh_seconds)),
            intakes=ThreadPoolExecutor(settings.concurrent_intakes, thread_name_prefix="intake"),
            metrics=GatewayMetrics(sessions, clock, settings),
            oidc=_provider(settings, clock),
        )

    def check_database(self) -> None:
        """Raise unless the database answers and has the tables that this release needs."""
        with self.engine.connect() as connection:
            TABLES.check(connection)

    def check_feedback(self) -> None:
        """Raise unless the feedback service is ready."""
        self.feedback.tell("GET", "/health/ready")

    def check_registry(self) -> None:
        """Raise unless the model registry answers."""
        self.registry().champion()

    def close(self) -> None:
        """Close every connection."""
        self.intakes.shutdown()
        self.events.close()
        self.feedback.close()
        self.celery.close()
        self.redis.close()
        self.engine.dispose()


def _provider(settings: GatewaySettings, clock: Clock) -> OidcProvider | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    return OidcProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        settings.oidc_scopes,
        clock,
    )
