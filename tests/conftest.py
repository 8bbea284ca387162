"""Real servers for every test: PostgreSQL, Redis and S3, each started when a test first asks for it.

One set per pytest process (so per xdist worker), on free loopback ports and in a folder that is gone at the end.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from local.database import admin_dsn, create_service_database, drop_database
from local.model_keys import new_model_keys
from local.ports import LOOPBACK
from local.secret_files import ModelKeys, database_url
from local.stack import LocalStack

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL."""

    stack: LocalStack
    _templates: set[str] = field(default_factory=set)

    @contextmanager
    def fresh_database(self, service: str, template: str = "template1") -> Iterator[str]:
        """Make an empty database with `service`'s schema, owned by `service`'s role; give its SQLAlchemy URL.

        The role is the one of a real installation: it finds its tables without naming the schema and reaches
        nothing else.
        """
        name = f"test_{uuid4().hex}"
        url = self._create(name, service, template)
        try:
            yield url
        finally:
            drop_database(self.stack.ports["postgres"], self.stack.credentials.postgres_password, name)

    @contextmanager
    def migrated_database(self, service: str, migrate: Callable[[str], None]) -> Iterator[str]:
        """Make a database with `service`'s tables: a copy of one that was migrated when the first was asked for."""
        template = f"migrated_{service}"
        if template not in self._templates:
            migrate(self._create(template, service))
            self._templates.add(template)
        with self.fresh_database(service, template) as url:
            yield url

    def _create(self, name: str, service: str, template: str = "template1") -> str:
        port, password = self.stack.ports["postgres"], self.stack.credentials.postgres_password
        role_password = {
            "gateway": self.stack.credentials.gateway_password,
            "feedback": self.stack.credentials.feedback_password,
        }[service]
        create_service_database(port, password, name, service, role_password, template)
        return database_url(service, role_password, f"{LOOPBACK}:{port}", name)

    @property
    def admin_dsn(self) -> str:
        """libpq connection string of the superuser, for what a test must do behind a service's back."""
        return admin_dsn(self.stack.ports["postgres"], self.stack.credentials.postgres_password)


@dataclass(frozen=True)
class RedisServer:
    """A running Redis with an append-only file; `url` carries its password."""

    stack: LocalStack

    @property
    def url(self) -> str:
        """Address of database 0."""
        return f"redis://:{self.stack.credentials.redis_password}@{LOOPBACK}:{self.stack.ports['redis']}/0"


@dataclass(frozen=True)
class S3Server:
    """A running S3 server and the credentials that may make buckets in it."""

    endpoint: str
    """host:port, as the minio client wants it; plain HTTP."""
    access_key: str
    secret_key: str


@pytest.fixture(scope="session")
def server_stack() -> Iterator[LocalStack]:
    """Give a stack in which nothing runs yet; tests ask for `postgres`, `redis_server` or `s3` instead."""
    folder = Path(tempfile.mkdtemp(prefix="ictus-"))  # short: a socket's path has room for 108 bytes
    try:
        with LocalStack(folder, processes=()) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_stack: LocalStack) -> Postgres:
    """PostgreSQL with pgvector. `postgres.fresh_database("gateway")` gives a database of a test's own."""
    server_stack.start_process("postgres")
    server = Postgres(server_stack)
    connection = psycopg2.connect(server.admin_dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:  # what tests write need not survive a power cut
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()
    return server


@pytest.fixture(scope="session")
def redis_server(server_stack: LocalStack) -> RedisServer:
    """Redis. Tests that share it use keys or databases of their own."""
    server_stack.start_process("redis")
    return RedisServer(server_stack)


@pytest.fixture(scope="session")
def s3(server_stack: LocalStack) -> S3Server:
    """S3. Tests make buckets of their own."""
    server_stack.start_process("s3")
    endpoint = f"{LOOPBACK}:{server_stack.ports['s3']}"
    return S3Server(endpoint, server_stack.credentials.s3_access_key, server_stack.credentials.s3_secret_key)


@pytest.fixture(scope="session")
def mlflow_url(server_stack: LocalStack) -> str:
    """Address of an MLflow server on the stack's PostgreSQL and S3, as in an installation. Takes some seconds.

    Tests register models under names of their own.
    """
    server_stack.start(["mlflow", "buckets"])
    return server_stack.url("mlflow")


@pytest.fixture(scope="session")
def model_keys() -> ModelKeys:
    """A key pair that a test's models are signed and verified with."""
    return new_model_keys()


@pytest.fixture(scope="session")
def sign_model(model_keys: ModelKeys) -> Callable[[Path], Path]:
    """Signs a model directory with `model_keys`, in place, and gives it back."""
    from ictus.model.manifest import MANIFEST_FILE
    from ictus.model.signature import SIGNATURE_FILE
    from trainer.sign import sign_manifest

    def sign(directory: Path) -> Path:
        sign_manifest(directory / MANIFEST_FILE, model_keys.private, directory / SIGNATURE_FILE)
        return directory

    return sign


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the development data, or a skip that says it is absent."""
    import os

    folder = Path(os.environ.get("ICTUS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set ICTUS_SHARED_DATA)")
    return folder
