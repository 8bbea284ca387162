"""The PostgreSQL schema ``feedback``: base of the models, engine, migrations.

The service's role reaches this schema and no other. A feature keeps its tables in ``models.py``, its SQL in
``repository.py`` (which flushes and never commits), and adds one file to ``migrations/versions``.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import DateTime, Engine, Enum, MetaData, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "feedback"

Vocabulary = TypeVar("Vocabulary", bound=StrEnum)


class Base(DeclarativeBase):
    """Base of every table of the service."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True)}


def enum_column(vocabulary: type[Vocabulary]) -> Enum:
    """The column type of a closed vocabulary: its values as text, so that a new word needs no migration."""
    return Enum(
        vocabulary,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def create_feedback_engine(url: str, *, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """An engine on psycopg2 that survives a restart of the server and gives up on statements after 30 s.

    Args:
        url: ``postgresql://…``; the driver part is set here.
        pool_size: connections kept open.
        max_overflow: further connections under load.
    """
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "ictus-feedback",
            "options": "-c timezone=utc -c statement_timeout=30000 -c lock_timeout=10000",
        },
    )


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision``. Processes that do so at once wait for each other."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, revision)
