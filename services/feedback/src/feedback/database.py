"""The PostgreSQL schema ``feedback``: base of the models, engine, migrations.

The service's role reaches this schema and no other. A feature keeps its tables in ``models.py``, its SQL in
``repository.py`` (which flushes and never commits), and adds one file to ``migrations/versions``.
"""

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase

from ictus.database import (
    COLUMN_TYPES,
    ReleaseTables,
    alembic_config,
    create_service_engine,
    migrate_to,
    schema_metadata,
)

SCHEMA = "feedback"
MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """Base of every table of the service."""

    metadata = schema_metadata(SCHEMA)
    type_annotation_map = COLUMN_TYPES


def create_feedback_engine(url: str, *, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """The service's engine; see ``create_service_engine``."""
    return create_service_engine(url, "ictus-feedback", pool_size=pool_size, max_overflow=max_overflow)


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision``, forward or back; see ``migrate_to``."""
    migrate_to(alembic_config(MIGRATIONS, url), revision)


TABLES = ReleaseTables(MIGRATIONS, SCHEMA)
"""What this release's code was written for."""
