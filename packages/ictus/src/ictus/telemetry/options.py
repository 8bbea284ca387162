"""What every process is told of its own watching; a service's ``settings.py`` makes these of the environment."""

from pydantic import BaseModel, Field

from ictus.telemetry.logs import configure_logging
from ictus.telemetry.traces import configure_tracing


class TelemetryOptions(BaseModel):
    """Mixed into a service's settings."""

    log_level: str = Field(default="INFO", description="Least level that is logged.")
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        lt=65536,
        description="Where a process without an HTTP service of its own answers GET /metrics; unset: nowhere.",
    )
    metrics_address: str = Field(default="127.0.0.1", description="On which address; 0.0.0.0 in a container.")
    otlp_endpoint: str | None = Field(
        default=None,
        description="HTTP address of an OpenTelemetry collector for traces, e.g. http://collector:4318/v1/traces; "
        "unset: none are made.",
    )


def configure_telemetry(service: str, options: TelemetryOptions) -> None:
    """Set up logging and tracing of this process. Call once, first thing in a program's entry point."""
    configure_logging(service, options.log_level)
    configure_tracing(service, options.otlp_endpoint)
