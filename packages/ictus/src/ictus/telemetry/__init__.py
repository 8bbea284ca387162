"""What a service tells its operators: structured logs without identity, tied together by a request id."""

from ictus.telemetry.logs import configure_logging

__all__ = ["configure_logging"]
