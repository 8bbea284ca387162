"""A request id for every request: in its logs, in its answer and in the calls made on its behalf."""

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ictus.domain.errors import IctusError

REQUEST_ID_HEADER = "X-Request-ID"

FRAMEWORK_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""``FastAPI(telemetry=…)``: its own spans hold addresses, queries and error messages, which may name a patient."""

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_log = structlog.get_logger(__name__)
_tracer = trace.get_tracer("ictus.http")

Observer = Callable[[str, str, int, float], None]


def current_request_id() -> str | None:
    """The id of the request that this code runs for, or None outside a request."""
    value: Any = structlog.contextvars.get_contextvars().get("request_id")
    return value if isinstance(value, str) else None


def route_template(scope: Scope) -> str:
    """The matched route as it was declared (``/api/v1/studies/{study_id}``), or ``unmatched``."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else "unmatched"


class RequestContextMiddleware:
    """Gives each request an id, writes its one access line, and ends what no handler caught.

    A caller's well-formed ``X-Request-ID`` is kept, so that one id follows a request through services. The
    access line names the route template and not the address, which may hold what a person typed.

    Args:
        app: the wrapped application.
        observe: called once per request with method, route template, status and seconds.
    """

    def __init__(self, app: ASGIApp, observe: Observer | None = None) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get(REQUEST_ID_HEADER, "")
        request_id = sent if _ACCEPTED.fullmatch(sent) else uuid4().hex
        started = perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        with (
            _tracer.start_as_current_span(
                scope["method"],
                context=propagate.extract(headers),
                kind=SpanKind.SERVER,
                attributes={"http.request.method": scope["method"], "ictus.request_id": request_id},
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                _log.exception("request_failed", route=route_template(scope), exc_info=error)
                if status:  # the answer has begun: all that is left is to break the connection off
                    raise
                from ictus.http.problem import problem_response  # noqa: PLC0415  problem needs this module

                await problem_response(IctusError())(scope, receive, send_with_id)
            finally:
                seconds = perf_counter() - started
                route = route_template(scope)
                span.update_name(f"{scope['method']} {route}")  # the route is known by now, and holds no id
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                if status >= 500:
                    span.set_status(trace.StatusCode.ERROR)
                if self._observe is not None:
                    self._observe(scope["method"], route, status, seconds)
                level = _log.debug if route.startswith(("/health", "/metrics")) else _log.info
                level(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                )
