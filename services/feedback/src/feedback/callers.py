"""Which other services may ask what here: the gateway everything, the trainer for datasets alone."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import Depends, Request

from ictus.domain.errors import ForbiddenError

GATEWAY: Final = "gateway"
TRAINER: Final = "trainer"


class ServiceNotAllowedError(ForbiddenError):
    """The token is one of ours, but not for this address."""

    code = "service_not_allowed"
    title = "This service may not ask for that."


def only(*services: str) -> Any:
    """A dependency that lets these services pass, once their token has been looked at."""
    return Depends(_requirement(frozenset(services)))


def _requirement(services: frozenset[str]) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if request.state.service not in services:
            raise ServiceNotAllowedError

    return check
