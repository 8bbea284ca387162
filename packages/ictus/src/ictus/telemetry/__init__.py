"""What a service tells its operators, without identity: structured logs, metrics, traces, tied together by ids."""

from ictus.telemetry.logs import configure_logging
from ictus.telemetry.metrics import MetricsServer, process_registry
from ictus.telemetry.options import TelemetryOptions, configure_telemetry
from ictus.telemetry.traces import configure_tracing, present_traceparent, span

__all__ = [
    "MetricsServer",
    "TelemetryOptions",
    "configure_logging",
    "configure_telemetry",
    "configure_tracing",
    "present_traceparent",
    "process_registry",
    "span",
]
