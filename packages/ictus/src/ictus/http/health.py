"""Liveness and readiness: whether to restart this process, and whether to send it requests."""

from collections.abc import Callable, Mapping

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field

from ictus.domain.errors import UnavailableError
from ictus.http.problem import problems

_log = structlog.get_logger(__name__)


class Health(BaseModel):
    """The answer of a healthy process."""

    status: str = Field(default="ok", examples=["ok"])
    parts: dict[str, str] = Field(default_factory=dict, examples=[{"database": "ok"}])


class NotReadyError(UnavailableError):
    """A part that requests need is not answering; member ``missing`` names the parts."""

    code = "not_ready"
    title = "The service is not ready to take requests."


def health_router(checks: Mapping[str, Callable[[], object]]) -> APIRouter:
    """``GET /health/live`` and ``GET /health/ready``.

    Args:
        checks: per part a function that returns when the part answers and raises otherwise, within seconds.
    """
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", summary="Is the process alive")
    def live() -> Health:
        """Answers as long as the process can answer at all; checks nothing else."""
        return Health()

    @router.get("/ready", summary="Can the process serve requests", responses=problems(NotReadyError))
    def ready() -> Health:
        """Asks every part that requests need."""
        missing: list[str] = []
        for part, check in checks.items():
            try:
                check()
            except Exception as error:  # whatever a driver raises, the part is not ready
                _log.warning("not_ready", part=part, exc_info=error)
                missing.append(part)
        if missing:
            raise NotReadyError(retry_after=5, extra={"missing": missing})
        return Health(parts=dict.fromkeys(checks, "ok"))

    return router
