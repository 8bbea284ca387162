"""The gateway's PostgreSQL schema: base of the models, engine, sessions, after-commit hooks, migrations.

How a feature uses it:

- ``models.py``: classes on ``Base``; tables land in the schema ``gateway``. Times are ``Mapped[datetime]``
  (``timestamptz``, UTC), closed vocabularies are text (``ictus.database.enum_column``).
- ``repository.py``: a class over one ``Session`` that holds the SQL. It flushes, it never commits.
- ``migrations/versions/NNNN_name.py``: one linear chain. ``revision = "0002"``, ``down_revision = "0001"``.
- A request has one transaction, ended by the route class (``gateway.transactions``). What must follow a
  commit (ring a worker) is given to ``after_commit``; it is dropped on rollback.
- Outside a request (Celery task, command): ``with resources.sessions.begin() as session: …``.
"""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import structlog
from alembic.config import Config
from sqlalchemy import Engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from ictus.database import (
    COLUMN_TYPES,
    ReleaseTables,
    alembic_config,
    create_service_engine,
    migrate_to,
    schema_metadata,
)

SCHEMA = "gateway"
MIGRATIONS = Path(__file__).parent / "migrations"

_HOOKS = "after_commit"
_log = structlog.get_logger(__name__)


class Base(DeclarativeBase):
    """Base of every table of the gateway."""

    metadata = schema_metadata(SCHEMA)
    type_annotation_map = COLUMN_TYPES


def create_gateway_engine(url: str, *, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """The gateway's engine; see ``create_service_engine``."""
    return create_service_engine(url, "ictus-gateway", pool_size=pool_size, max_overflow=max_overflow)


def create_session_factory(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after the commit, with ``after_commit`` hooks."""
    factory = sessionmaker(engine, expire_on_commit=False)
    event.listen(factory, "after_commit", _run_hooks)
    event.listen(factory, "after_rollback", _drop_hooks)
    return factory


def after_commit(session: Session, hook: Callable[[], object]) -> None:
    """Call ``hook`` once the session's transaction has committed; drop it if it rolls back.

    A hook is a doorbell: when it fails this is logged and the commit stands, and the sweeper rings again.
    """
    session.info.setdefault(_HOOKS, []).append(hook)


def _run_hooks(session: Session) -> None:
    if session.in_nested_transaction():
        return  # the end of a SAVEPOINT, not of the transaction
    for hook in session.info.pop(_HOOKS, []):
        try:
            hook()
        except Exception as error:  # the row is committed; the sweeper repeats what a doorbell failed to say
            _log.warning("after_commit_hook_failed", exc_info=error)


def _drop_hooks(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_HOOKS, None)


def import_models() -> None:
    """Import ``models`` of every feature, so that ``Base.metadata`` is complete."""
    root = Path(__file__).parent
    for feature in pkgutil.iter_modules([str(root)]):
        if feature.ispkg and (root / feature.name / "models.py").exists():
            importlib.import_module(f"gateway.{feature.name}.models")


def migration_config(url: str) -> Config:
    """Alembic's configuration of the gateway's history."""
    return alembic_config(MIGRATIONS, url)


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision``, forward or back; see ``migrate_to``."""
    migrate_to(migration_config(url), revision)


TABLES = ReleaseTables(MIGRATIONS, SCHEMA)
"""What this release's code was written for."""
