"""What every service with a PostgreSQL schema of its own shares: its conventions, engine and migrations."""

from ictus.database.engine import create_service_engine
from ictus.database.migrations import alembic_config, run_migrations
from ictus.database.schema import COLUMN_TYPES, enum_column, schema_metadata

__all__ = [
    "COLUMN_TYPES",
    "alembic_config",
    "create_service_engine",
    "enum_column",
    "run_migrations",
    "schema_metadata",
]
