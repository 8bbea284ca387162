"""The feedback service's HTTP application: other services only, each with its token."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from feedback.callers import GATEWAY, TRAINER, ServiceNotAllowedError
from feedback.cases import endpoints as cases
from feedback.datasets import endpoints as datasets
from feedback.deps import AuditedTransaction, Resources, utc_now
from feedback.erasure import endpoints as erasure
from feedback.reviews import endpoints as reviews
from feedback.settings import FeedbackSettings, load_settings
from ictus.http import (
    FRAMEWORK_TELEMETRY,
    HttpMetrics,
    RequestContextMiddleware,
    ServiceTokens,
    health_router,
    install_problem_handlers,
    problems,
)
from ictus.http.problem import ValidationFailedError
from ictus.http.service_auth import ServiceTokenError
from ictus.telemetry import configure_telemetry, process_registry


def create_app(settings: FeedbackSettings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Make the application; nothing is connected to before the first request.

    Args:
        settings: where the servers are, the tokens of the other services, and the rules for reading and learning.
        clock: gives the present time, with its time zone.
    """
    resources = Resources.create(settings, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        resources.close()

    app = FastAPI(
        title="Ictus feedback",
        telemetry=FRAMEWORK_TELEMETRY,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.resources = resources
    install_problem_handlers(app, unavailable=(OperationalError, InterfaceError, PoolTimeoutError))
    metrics = HttpMetrics(process_registry())
    app.add_middleware(RequestContextMiddleware, observe=metrics.observe)

    callers = ServiceTokens(
        {
            GATEWAY: settings.feedback_token.get_secret_value(),
            TRAINER: settings.trainer_token.get_secret_value(),
        }
    )
    internal = APIRouter(
        prefix="/internal/v1",
        dependencies=[AuditedTransaction, Depends(callers)],  # in this order: refusals are audited too
        responses=problems(ServiceTokenError, ServiceNotAllowedError, ValidationFailedError),
    )
    for feature in (reviews, cases, datasets, erasure):
        internal.include_router(feature.router)
    app.include_router(internal)
    app.include_router(health_router({"database": resources.check_database}))
    app.include_router(metrics.router())
    return app


def create_production_app() -> FastAPI:
    """The application of this process: settings from the environment, logs as JSON.

    ``uvicorn --factory feedback.app:create_production_app``
    """
    settings = load_settings(FeedbackSettings)
    configure_telemetry("feedback", settings)
    return create_app(settings)
