"""The numbers of the job protocol."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """The protocol's numbers.

    Attributes:
        lease: how long a worker may be silent.
        max_attempts: attempts before a job is failed.
        backoff: wait after the first failed attempt; each further one waits four times as long.
        progress_interval: progress within one stage is announced at most this often.
        zombie_after: how long a lost attempt may still write objects before they are removed.
        max_queue_length: jobs that may wait or run before uploads are turned away.
    """

    lease: timedelta = timedelta(seconds=60)
    max_attempts: int = 3
    backoff: timedelta = timedelta(seconds=5)
    progress_interval: timedelta = timedelta(seconds=1)
    zombie_after: timedelta = timedelta(hours=1)
    max_queue_length: int = 1000

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The installation's numbers."""
        return cls(
            lease=timedelta(seconds=settings.lease_seconds),
            backoff=timedelta(seconds=settings.retry_backoff_seconds),
            max_queue_length=settings.max_queue_length,
        )
