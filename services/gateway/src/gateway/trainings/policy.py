"""The numbers of the training protocol."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class TrainingPolicy:
    """The protocol's numbers.

    Attributes:
        lease: how long a trainer may be silent.
        max_attempts: attempts before a training is failed.
        backoff: wait after the first failed attempt; each further one waits four times as long.
        approvals: administrators who must approve a candidate.
        new_cases: so many new cases start a training; None: they never do.
        every: so long after the last one the next training starts; None: never.
    """

    lease: timedelta = timedelta(seconds=60)
    max_attempts: int = 3
    backoff: timedelta = timedelta(seconds=5)
    approvals: int = 1
    new_cases: int | None = 50
    every: timedelta | None = timedelta(days=7)

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The installation's numbers."""
        return cls(
            lease=timedelta(seconds=settings.training_lease_seconds),
            backoff=timedelta(seconds=settings.retry_backoff_seconds),
            approvals=settings.training_approvals,
            new_cases=settings.training_new_cases or None,
            every=timedelta(hours=settings.training_every_hours) or None,
        )
