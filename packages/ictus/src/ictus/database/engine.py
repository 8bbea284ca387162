"""The way to the server."""

import psycopg2
import structlog
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext

from ictus.domain.errors import InvalidRequestError

_log = structlog.get_logger(__name__)


class UnstorableValueError(InvalidRequestError):
    """A value that PostgreSQL cannot hold: text with a NUL character, a number or a time out of range."""

    code = "value_unstorable"
    title = "Something that was sent holds a character or a number that cannot be kept."


def create_service_engine(
    url: str, application_name: str, *, pool_size: int = 5, max_overflow: int = 10
) -> Engine:
    """An engine on psycopg2 that survives a restart of the server and gives up on statements after 30 s.

    Args:
        url: ``postgresql://…``; the driver part is set here.
        application_name: what the server's activity list calls these connections.
        pool_size: connections kept open.
        max_overflow: further connections under load.

    A statement with a value that cannot be stored raises ``UnstorableValueError``.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,  # an error message must not quote a row
        connect_args={
            "connect_timeout": 5,
            "application_name": application_name,
            "options": "-c timezone=utc -c statement_timeout=30000 -c lock_timeout=10000",
        },
    )
    event.listen(engine, "handle_error", _refuse_unstorable)
    return engine


def _refuse_unstorable(context: ExceptionContext) -> None:
    """Say whose mistake it is: the driver's ``ValueError`` for NUL, the server's ``DataError`` for the rest.

    It may be ours, a sum that overflows. So the log has the state and the column, and nothing that was sent.
    """
    error = context.original_exception
    if isinstance(error, ValueError | psycopg2.DataError):
        told = error.diag if isinstance(error, psycopg2.DataError) else None
        _log.warning(
            "value_unstorable",
            sqlstate=getattr(error, "pgcode", None),
            table=told and told.table_name,
            column=told and told.column_name,
        )
        raise UnstorableValueError from error
