"""The feedback service's HTTP application: other services only, each with its token."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import APIRouter, Depends, FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from feedback.deps import Resources, utc_now
from feedback.reviews import endpoints as reviews
from feedback.settings import FeedbackSettings, load_settings
from ictus.http import (
    HttpMetrics,
    RequestContextMiddleware,
    ServiceToken,
    health_router,
    install_problem_handlers,
    problems,
)
from ictus.http.problem import ValidationFailedError
from ictus.http.service_auth import ServiceTokenError
from ictus.telemetry import configure_logging


def create_app(settings: FeedbackSettings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Make the application; nothing is connected to before the first request.

    Args:
        settings: where the database is, and the token of the gateway.
        clock: gives the present time, with its time zone.
    """
    resources = Resources.create(settings, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        resources.close()

    app = FastAPI(
        title="Ictus feedback",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.resources = resources
    install_problem_handlers(app, unavailable=(OperationalError, InterfaceError, PoolTimeoutError))
    metrics = HttpMetrics(CollectorRegistry())
    app.add_middleware(RequestContextMiddleware, observe=metrics.observe)

    internal = APIRouter(
        prefix="/internal/v1",
        dependencies=[Depends(ServiceToken(settings.feedback_token.get_secret_value()))],
        responses=problems(ServiceTokenError, ValidationFailedError),
    )
    internal.include_router(reviews.router)
    app.include_router(internal)
    app.include_router(health_router({"database": resources.check_database}))
    app.include_router(metrics.router())
    return app


def create_production_app() -> FastAPI:
    """The application of this process: settings from the environment, logs as JSON.

    ``uvicorn --factory feedback.app:create_production_app``
    """
    settings = load_settings(FeedbackSettings)
    configure_logging("feedback", settings.log_level)
    return create_app(settings)
