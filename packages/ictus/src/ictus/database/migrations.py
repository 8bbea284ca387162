"""Alembic without an ini file: its configuration, and what a service's ``migrations/env.py`` runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import context
from alembic.config import Config
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.schema import CreateSchema


def alembic_config(script_location: Path, url: str) -> Config:
    """Alembic's configuration; there is no ini file, since all of it is known here.

    Args:
        script_location: folder with ``env.py`` and ``versions``.
        url: of the database, as ``create_service_engine`` takes it.
    """
    config = Config()
    config.set_main_option("script_location", str(script_location))
    config.attributes["url"] = url
    return config


def run_migrations(
    create_engine: Callable[[str], Engine], metadata: MetaData, *, schema: str, lock: int
) -> None:
    """Run what Alembic was asked for, in one transaction; called by ``env.py`` and by nothing else.

    Makes the schema when it is missing. Processes that migrate at once wait for each other.

    Args:
        create_engine: makes the service's engine from the URL given to ``alembic_config``.
        metadata: the service's tables, complete.
        schema: where the tables and the history's version live; no other schema is looked at.
        lock: key of the advisory lock, the service's own.
    """

    def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
        return name == schema if kind == "schema" else True

    engine = create_engine(context.config.attributes["url"])
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            if not inspect(connection).has_schema(schema):
                connection.execute(CreateSchema(schema))
            # a service's role may have its schema as search path; comparison needs the names written out
            connection.execute(text("SET LOCAL search_path TO public"))
            connection.dialect.default_schema_name = "public"
            context.configure(
                connection=connection,
                target_metadata=metadata,
                version_table_schema=schema,
                include_schemas=True,
                include_name=is_ours,
                compare_server_default=False,
            )
            context.run_migrations()
    finally:
        engine.dispose()
