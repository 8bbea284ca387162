"""From NOTIFY to browsers: one listening thread per process hands each event to the subscriptions it is for."""

import asyncio
import contextlib
import os
import select
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import psycopg2
import structlog
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from psycopg2.extensions import connection as PgConnection
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from gateway.events.journal import CHANNEL
from gateway.events.repository import EventRepository
from gateway.events.schemas import EventRecord

_MOST_WAITING: Final = 1000
_RECONNECT_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Subscription:
    """One open stream. ``queue`` ends with None when the reader was too slow or the process stops."""

    site_id: UUID
    study_id: UUID | None
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[EventRecord | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING + 1))

    def wants(self, record: EventRecord) -> bool:
        """Whether the event belongs to this stream."""
        return record.site_id == self.site_id and self.study_id in {None, record.event.study_id}

    def put(self, record: EventRecord | None) -> None:
        """Hand over from the listening thread; a full queue ends the stream, and the browser resumes it."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self.loop.call_soon_threadsafe(self._put, record)

    def _put(self, record: EventRecord | None) -> None:
        if self.queue.qsize() < _MOST_WAITING:
            self.queue.put_nowait(record)
        elif not self.queue.full():
            self.queue.put_nowait(None)


class EventHub:
    """Listens while somebody is subscribed or was.

    After a lost connection the events of the gap are read from the table, so a stream misses nothing.

    Args:
        url: of the gateway's database, as SQLAlchemy writes it.
        sessions: for the events of a gap.
    """

    def __init__(self, url: str, sessions: sessionmaker[Session]) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._sessions = sessions
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._last_id: int | None = None

    @contextlib.contextmanager
    def subscribe(self, site_id: UUID, study_id: UUID | None) -> Iterator[Subscription]:
        """Events of a site, or of one study of it, from now on. To be called on the event loop."""
        subscription = Subscription(site_id, study_id, asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.add(subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.discard(subscription)

    def wait_until_listening(self, seconds: float) -> bool:
        """Whether the thread listens, waiting for it at most so long."""
        return self._listening.wait(seconds)

    def close(self) -> None:
        """End every stream and the thread, for good."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        os.write(self._wake_write, b"x")
        with self._lock:
            subscriptions, thread = list(self._subscriptions), self._thread
        for subscription in subscriptions:
            subscription.put(None)
        if thread is not None:
            thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg2.Error, SQLAlchemyError) as error:
                _log.warning("events_connection_lost", exc_info=error)
                self._stopping.wait(_RECONNECT_SECONDS)
            finally:
                self._listening.clear()

    def _listen(self) -> None:
        # Keepalives: a server that vanished without a word would otherwise be listened to for hours.
        opened = psycopg2.connect(
            self._dsn,
            application_name="ictus-gateway-events",
            connect_timeout=5,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        with contextlib.closing(opened) as connection:
            connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._catch_up()
            self._listening.set()
            while not self._stopping.is_set():
                readable, _, _ = select.select([connection.fileno(), self._wake_read], [], [])
                if connection.fileno() in readable:
                    self._take(connection)

    def _catch_up(self) -> None:
        """Deliver what was committed while nobody listened; at the first start only remember where we are."""
        with self._sessions() as session:
            events = EventRepository(session)
            if self._last_id is None:
                self._last_id = events.latest_id()
                return
            for record in events.after(self._last_id):
                self._deliver(record)

    def _take(self, connection: PgConnection) -> None:
        connection.poll()
        while connection.notifies:
            self._deliver(EventRecord.model_validate_json(connection.notifies.pop(0).payload))

    def _deliver(self, record: EventRecord) -> None:
        if self._last_id is not None and record.id <= self._last_id:
            return
        self._last_id = record.id
        with self._lock:
            wanting = [one for one in self._subscriptions if one.wants(record)]
        for subscription in wanting:
            subscription.put(record)
