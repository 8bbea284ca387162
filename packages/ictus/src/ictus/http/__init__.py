"""What every HTTP service shares: problem details, request ids, health, metrics, service-to-service calls."""

from ictus.http.client import RemoteError, ServiceClient
from ictus.http.context import RequestContextMiddleware, current_request_id
from ictus.http.health import health_router
from ictus.http.metrics import HttpMetrics
from ictus.http.problem import PROBLEM_MEDIA_TYPE, Problem, install_problem_handlers, problems
from ictus.http.service_auth import ServiceToken

__all__ = [
    "PROBLEM_MEDIA_TYPE",
    "HttpMetrics",
    "Problem",
    "RemoteError",
    "RequestContextMiddleware",
    "ServiceClient",
    "ServiceToken",
    "current_request_id",
    "health_router",
    "install_problem_handlers",
    "problems",
]
