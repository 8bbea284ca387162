"""The way to the server."""

from sqlalchemy import Engine, create_engine, make_url


def create_service_engine(
    url: str, application_name: str, *, pool_size: int = 5, max_overflow: int = 10
) -> Engine:
    """An engine on psycopg2 that survives a restart of the server and gives up on statements after 30 s.

    Args:
        url: ``postgresql://…``; the driver part is set here.
        application_name: what the server's activity list calls these connections.
        pool_size: connections kept open.
        max_overflow: further connections under load.
    """
    return create_engine(
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
