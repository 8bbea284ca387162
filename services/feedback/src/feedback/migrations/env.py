"""Runs the feedback service's migrations; ``feedback.database.migrate`` is the way in."""

from typing import Any

from alembic import context
from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateSchema

import feedback.reviews.models  # noqa: F401  the tables register themselves with the metadata
from feedback.database import SCHEMA, Base, create_feedback_engine

_LOCK = 0x1C706


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return name == SCHEMA if kind == "schema" else True


def _run() -> None:
    engine = create_feedback_engine(context.config.attributes["url"])
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if not inspect(connection).has_schema(SCHEMA):
                connection.execute(CreateSchema(SCHEMA))
            # the role may have its schema as search path; comparison needs the names written out
            connection.execute(text("SET LOCAL search_path TO public"))
            connection.dialect.default_schema_name = "public"
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                version_table_schema=SCHEMA,
                include_schemas=True,
                include_name=_is_ours,
            )
            context.run_migrations()
    finally:
        engine.dispose()


_run()
