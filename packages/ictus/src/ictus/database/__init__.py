"""What every service with a PostgreSQL schema of its own shares: its conventions, engine and migrations."""

from ictus.database.engine import create_service_engine
from ictus.database.migrations import (
    ReleaseTables,
    TablesBehindError,
    alembic_config,
    migrate_to,
    run_migrations,
)
from ictus.database.schema import COLUMN_TYPES, enum_column, schema_metadata

__all__ = [
    "COLUMN_TYPES",
    "ReleaseTables",
    "TablesBehindError",
    "alembic_config",
    "create_service_engine",
    "enum_column",
    "migrate_to",
    "run_migrations",
    "schema_metadata",
]
