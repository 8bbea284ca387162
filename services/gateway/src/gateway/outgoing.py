"""What every outbox is made of: a row that waits until its receiver has it, and how long it waits after a failure.

Used by the outbox of the feedback service (``gateway.results.outbox``) and by the deliveries to other systems
(``gateway.deliveries``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Select, Text, select
from sqlalchemy.orm import Mapped, mapped_column

_DOUBLINGS = 16


class Outgoing:
    """Columns of a row that is sent until it was taken. ``attempts`` counts since it was last queued anew."""

    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(Text)
    delivered_at: Mapped[datetime | None]

    def send_anew(self, now: datetime) -> None:
        """Have it sent at once, as if it never had been."""
        self.delivered_at, self.next_attempt_at, self.attempts = None, now, 0

    def note_taken(self, now: datetime) -> None:
        """The receiver has it."""
        self.delivered_at, self.last_error = now, None

    def note_failure(self, detail: str, wait: timedelta, now: datetime) -> None:
        """The receiver has not taken it; it is tried again after ``wait``."""
        self.next_attempt_at, self.last_error = now + wait, detail[:500]


OutgoingT = TypeVar("OutgoingT", bound=Outgoing)


def due(kind: type[OutgoingT], now: datetime) -> Select[OutgoingT]:
    """The row that is longest due and that nobody else holds, locked."""
    return (
        select(kind)
        .where(kind.delivered_at.is_(None), kind.next_attempt_at <= now)
        .order_by(kind.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=kind)
    )


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after failures in a row: doubled each time, up to a limit.

    Attributes:
        first: after the first.
        longest: at most.
        jitter: up to this share of the wait is taken off by lot, so that many do not knock at the same moment.
    """

    first: timedelta
    longest: timedelta
    jitter: float = 0.0

    def after(self, failures: int, chance: Callable[[], float] = lambda: 0.0) -> timedelta:
        """The wait after so many failures (1 or more). ``chance`` gives 0..1."""
        doublings: int = min(max(failures, 1) - 1, _DOUBLINGS)
        wait = min(self.first * (1 << doublings), self.longest)
        return wait * (1 - self.jitter * chance())
