"""Alembic without an ini file: its configuration, and what a service's ``migrations/env.py`` runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, inspect, text
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


class TablesBehindError(RuntimeError):
    """The database's tables are those of an older release: its migrations have not been run yet."""


class ReleaseTables:
    """The tables that this release was written for.

    Args:
        script_location: folder with ``env.py`` and ``versions``.
        schema: where the history's version lives.
    """

    def __init__(self, script_location: Path, schema: str) -> None:
        history = ScriptDirectory(str(script_location))
        self._head = history.get_current_head()
        self._older = {one.revision for one in history.walk_revisions()} - {self._head}
        self._version = text(f"SELECT version_num FROM {schema}.alembic_version")  # noqa: S608  a constant of ours

    def check(self, connection: Connection) -> None:
        """Raise unless the tables are this release's, or a later one's, which keeps what this one needs.

        Raises:
            TablesBehindError: they are an older release's.
            ProgrammingError: there are none yet.
        """
        if connection.scalar(self._version) in self._older:
            raise TablesBehindError


def migrate_to(config: Config, revision: str) -> None:
    """Bring a schema to ``revision`` (``head``: this release's), forward or back. Those who do so at once wait in line.

    Going back undoes what later migrations made, with the data that only they can hold.
    """
    history = ScriptDirectory.from_config(config)
    wanted = history.get_revision(revision)
    command.upgrade(config, wanted.revision)
    if wanted.revision != history.get_current_head():
        command.downgrade(config, wanted.revision)


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
