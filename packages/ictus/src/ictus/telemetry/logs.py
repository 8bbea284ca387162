"""One JSON object per line on standard output, for our own events and for libraries' alike.

Nothing that a patient or a person sent is logged: events carry ids, codes, counts and durations. An
exception is described by its class and where it was raised, never by its message, because messages
quote values (a database error quotes the row, a DICOM error the attribute).
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ictus.telemetry.traces import name_trace

_QUIET = {
    "uvicorn.access": logging.CRITICAL,  # our own line has the route template instead of the path
    "pydicom": logging.CRITICAL,  # its warnings quote attribute values
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "botocore": logging.WARNING,
    "urllib3": logging.WARNING,
}


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by ``exception``: classes from cause to effect, and the innermost frames."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        chain: list[str] = []
        link: BaseException | None = error
        while link is not None and len(chain) < 5:
            chain.append(f"{type(link).__module__}.{type(link).__qualname__}")
            link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["exception"] = chain
        event["frames"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    event.pop("exc_text", None)
    event.pop("stack_info", None)
    return event


def configure_logging(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging of this process. Call once, first thing in a program's entry point.

    Args:
        service: the name that every line carries.
        level: least level that is written, as the standard library spells it.
        stream: where lines go; standard output when not given.
    """

    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        name_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                describe_exception,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(capture=True)
