"""The gateway's HTTP application. Every feature that has an ``endpoints`` module is part of it by itself.

A feature gives ``router`` (``deps.api_router``) for people and API clients, and may give
``internal_router(settings)`` (``deps.service_router``) for other services.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from fastapi import FastAPI
from fastapi.routing import APIRoute
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.fhir.outcome import OperationOutcomeMiddleware
from gateway.fhir.routes import FHIR_PATH
from gateway.headers import SecurityHeadersMiddleware
from gateway.resources import Clock, Resources, utc_now
from gateway.settings import GatewaySettings, load_settings
from ictus.http import (
    FRAMEWORK_TELEMETRY,
    BodyDeadlineMiddleware,
    HttpMetrics,
    RequestContextMiddleware,
    health_router,
    install_problem_handlers,
)
from ictus.telemetry import configure_telemetry

DESCRIPTION = """
Ictus takes a brain scan, says within seconds whether it shows a stroke, how sure it is and where it looked.
It supports a reader, who decides.

**Signing in.** People: `POST /api/v1/auth/login` sets a session cookie; requests that change something repeat
its `csrf_token` in the header `X-CSRF-Token`. Machines: `Authorization: Bearer ictus_…` with an API key, or
`Bearer ictusat_…` with an access token of `POST /api/v1/oauth/token` (SMART backend services).

**Errors** are `application/problem+json` (RFC 9457): match on `code`, show `detail`, quote `request_id`.

**Sites.** Every object belongs to a site; an id of another site is answered with 404.
"""

TAGS = [
    {"name": "auth", "description": "Registration, sign-in, password, sign-out."},
    {"name": "studies", "description": "Upload of scans, the worklist, results, pictures and progress."},
    {
        "name": "dicomweb",
        "description": "DICOMweb (PS3.18) over what is stored de-identified; `docs/interfaces.md` says what it supports.",
    },
    {"name": "reports", "description": "The report of a study as HTML and PDF."},
    {"name": "reviews", "description": "What readers say of results: the queue, verdicts, agreement."},
    {
        "name": "models",
        "description": "The model in use and all others; promotion, rollback, shadow and canary.",
    },
    {"name": "trainings", "description": "Learning from confirmed cases, the gate, and approval."},
    {
        "name": "fhir",
        "description": "FHIR R4 for EHRs: reports, observations and orders; errors are OperationOutcomes.",
    },
    {"name": "monitoring", "description": "Volumes, drift and agreement over time."},
    {
        "name": "admin",
        "description": "People, sites, API keys, jobs, held studies, rules and the audit trail.",
    },
    {"name": "health", "description": "For the operators of an installation."},
]

_UPLOADS = ("/api/v1/studies", "/api/v1/dicomweb/studies", "/api/v1/dicomweb/studies/")
"""What takes long bodies, with a limit of its own to how slowly they may come (``upload_stall_seconds``)."""


def create_app(settings: GatewaySettings, *, clock: Clock = utc_now) -> FastAPI:
    """Make the application; nothing is connected to before the first request.

    Args:
        settings: where everything is.
        clock: gives the present time, with its time zone.
    """
    resources = Resources.create(settings, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        resources.close()

    app = FastAPI(
        title="Ictus",
        telemetry=FRAMEWORK_TELEMETRY,
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the page loads scripts from elsewhere, which the content security policy forbids
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.resources = resources
    install_problem_handlers(
        app, unavailable=(OperationalError, InterfaceError, PoolTimeoutError, RedisError)
    )
    app.add_middleware(BodyDeadlineMiddleware, seconds=settings.body_seconds, streamed=_UPLOADS)
    metrics = HttpMetrics(resources.metrics.registry)
    app.add_middleware(RequestContextMiddleware, observe=metrics.observe)
    app.add_middleware(OperationOutcomeMiddleware, prefix=FHIR_PATH)
    app.add_middleware(SecurityHeadersMiddleware, tls=settings.tls)

    app.include_router(
        health_router(
            {
                "database": resources.check_database,
                "redis": resources.redis.ping,
                "objects": resources.store.ping,
            }
        )
    )
    app.include_router(metrics.router())
    for endpoints in features_with("endpoints"):
        if hasattr(endpoints, "router"):
            app.include_router(endpoints.router)
        if hasattr(endpoints, "internal_router"):
            app.include_router(endpoints.internal_router(settings), include_in_schema=False)
    if settings.static_dir is not None:
        app.frontend("/", directory=settings.static_dir, fallback="index.html")
    return app


def features_with(module: str) -> Iterator[ModuleType]:
    """The module of this name of every feature that has one, in alphabetical order."""
    root = Path(__file__).parent
    for feature in pkgutil.iter_modules([str(root)]):
        if feature.ispkg and (root / feature.name / f"{module}.py").exists():
            yield importlib.import_module(f"gateway.{feature.name}.{module}")


def _operation_id(route: APIRoute) -> str:
    """The handler's name; the generated client calls its methods so."""
    return route.name


def create_production_app() -> FastAPI:
    """The application of this process: settings from the environment, logs as JSON.

    ``uvicorn --factory gateway.app:create_production_app``
    """
    settings = load_settings(GatewaySettings)
    configure_telemetry("gateway", settings)
    return create_app(settings)
