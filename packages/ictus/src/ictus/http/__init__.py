"""What every HTTP service shares: problem details, request ids, health, metrics, service-to-service calls."""

from ictus.http.body_deadline import BodyDeadlineMiddleware
from ictus.http.client import RemoteError, ServiceClient
from ictus.http.context import FRAMEWORK_TELEMETRY, RequestContextMiddleware, current_request_id
from ictus.http.health import health_router
from ictus.http.metrics import HttpMetrics
from ictus.http.problem import PROBLEM_MEDIA_TYPE, Problem, install_problem_handlers, problems
from ictus.http.service_auth import ServiceToken, ServiceTokens

__all__ = [
    "FRAMEWORK_TELEMETRY",
    "PROBLEM_MEDIA_TYPE",
    "BodyDeadlineMiddleware",
    "HttpMetrics",
    "Problem",
    "RemoteError",
    "RequestContextMiddleware",
    "ServiceClient",
    "ServiceToken",
    "ServiceTokens",
    "current_request_id",
    "health_router",
    "install_problem_handlers",
    "problems",
]
