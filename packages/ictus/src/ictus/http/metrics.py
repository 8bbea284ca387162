"""Prometheus metrics of an HTTP service, labelled by route template so that their number stays bounded."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.responses import Response


class HttpMetrics:
    """Counts and times requests; ``router`` serves ``GET /metrics``.

    Args:
        registry: where this and a service's own metrics are registered; one for each application object.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._seconds = Histogram(
            "ictus_http_request_seconds",
            "Time from request to the end of its answer.",
            labelnames=("method", "route", "status"),
            registry=registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one request."""
        self._seconds.labels(method, route, str(status)).observe(seconds)

    def router(self) -> APIRouter:
        """``GET /metrics`` in the Prometheus text format."""
        router = APIRouter(tags=["health"])

        @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
        def metrics() -> Response:
            """Figures for Prometheus; nothing in them identifies anyone."""
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

        return router
