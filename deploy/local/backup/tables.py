"""PostgreSQL's part of a backup: dumps of one moment, what they hold, and the way back."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from local.backup.contents import Rows
from local.backup.sealed import BackupError
from local.database import SUPERUSER, admin_dsn, postgres_programs
from local.ports import LOOPBACK

_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""
_ROWS: Final = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} t"


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL and its superuser's password."""

    port: int
    password: str

    def dump(self, database: str, file: Path) -> dict[str, Rows]:
        """Write a custom-format ``pg_dump``; gives what is in it, by ``schema.table``.

        Raises:
            BackupError: ``pg_dump`` failed.
        """
        connection = psycopg2.connect(admin_dsn(self.port, self.password, database))
        try:
            connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_export_snapshot()")
                (snapshot,) = cursor.fetchone() or ("",)
                options = ["--format=custom", f"--snapshot={snapshot}", f"--file={file}", database]
                self._run("pg_dump", *options)
                return dict(_rows(cursor))
        finally:
            connection.close()

    def fill(self, database: str, file: Path) -> None:
        """Restore a dump into a database that was just made anew.

        Raises:
            BackupError: ``pg_restore`` failed.
        """
        self._run("pg_restore", "--exit-on-error", f"--dbname={database}", str(file))

    def rows(self, database: str) -> dict[str, Rows]:
        """Look at what is there, by ``schema.table``."""
        connection = psycopg2.connect(admin_dsn(self.port, self.password, database))
        try:
            with connection.cursor() as cursor:
                return dict(_rows(cursor))
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        with self._password_file() as password:
            where = ["--host", LOOPBACK, "--port", str(self.port), "--username", SUPERUSER, "--no-password"]
            done = subprocess.run(
                [str(postgres_programs() / program), *where, *arguments],
                env={**os.environ, "PGPASSFILE": str(password)},
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            raise BackupError(f"{program} failed: {lines[-1] if lines else f'exit {done.returncode}'}")

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        """A file that only its owner reads, so that the password stands on no command line."""
        with tempfile.NamedTemporaryFile("w", prefix="ictus-pgpass-") as file:
            file.write(f"{LOOPBACK}:{self.port}:*:{SUPERUSER}:{self.password}\n")
            file.flush()
            yield Path(file.name)


def _rows(cursor: Any) -> Iterator[tuple[str, Rows]]:
    cursor.execute(_TABLES)
    for schema, table in cursor.fetchall():
        cursor.execute(sql.SQL(_ROWS).format(table=sql.Identifier(schema, table)))
        count, checksum = cursor.fetchone()
        yield f"{schema}.{table}", Rows(count=count, checksum=checksum)
