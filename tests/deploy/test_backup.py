"""A backup comes back whole, opens with its key alone, and never comes back half."""

import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import psycopg2
import pytest
from tests.canary import PATIENT, WORD

from local.backup import (
    BackupError,
    Manifest,
    back_up,
    installation,
    new_identity,
    recipient_of,
    restore,
)
from local.backup.place import Installation
from local.database import SERVICES_DATABASE, admin_dsn
from local.secret_files import MLFLOW_BUCKET, S3_BUCKET, Credentials
from local.stack import LocalStack

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
IDENTITY = new_identity()
OBJECTS = {
    (S3_BUCKET, "studies/1/series/0/volume.safetensors"): bytes(range(256)) * 40_000,
    (S3_BUCKET, "studies/1/empty"): b"",
    (MLFLOW_BUCKET, "1/a name with spaces, and ünïcode.json"): b"{}",
}


def short_folder() -> Path:
    """A socket's path has room for 108 bytes."""
    return Path(mkdtemp(prefix="ictus-"))


def query(place: Installation, statement: str) -> list[tuple[object, ...]]:
    dsn = admin_dsn(place.cluster.port, place.cluster.password, SERVICES_DATABASE)
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall()
    connection.close()
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """An installation with tables, a first administrator, a study that is being received, and objects."""
    folder = short_folder()
    try:
        with LocalStack(folder, processes=("first-admin", "feedback-tables", "buckets")) as stack:
            spool = folder / "work" / "ictus-incoming" / "one"
            spool.mkdir(parents=True)
            (spool / "instance.dcm").write_text(PATIENT.name)
            with installation(folder) as place:
                for (bucket, key), data in OBJECTS.items():
                    place.objects.put_object(
                        bucket_name=bucket,
                        object_name=key,
                        data=io.BytesIO(data),
                        length=len(data),
                        content_type="application/x-test",
                    )
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def made(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A backup of the stack while it runs."""
    file = tmp_path_factory.mktemp("backups") / "ictus.age"
    with installation(stack.data) as place:
        return file, back_up(place, recipient_of(IDENTITY), file, lambda: NOW)


@pytest.fixture(scope="module")
def restored(made: tuple[Path, Manifest]) -> Iterator[Path]:
    """The folder that the backup was restored into."""
    folder = short_folder()
    file, manifest = made
    assert restore(file, f"# a comment\n{IDENTITY}\n", folder) == manifest
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_everything_comes_back_into_an_empty_folder(stack: LocalStack, restored: Path) -> None:
    assert Credentials.load_or_create(restored / "secrets" / "installation.json") == stack.credentials
    for name in ("secrets/model-signing.pem", "work/ictus-incoming/one/instance.dcm"):
        assert (restored / name).read_bytes() == (stack.data / name).read_bytes()
        assert (restored / name).stat().st_mode & 0o077 == 0
    people = "SELECT id, email, password_hash FROM gateway.users"
    with installation(stack.data) as before, installation(restored) as after:
        assert len(query(before, people)) == 1
        assert query(before, people) == query(after, people)
        for (bucket, key), data in OBJECTS.items():
            stored = after.objects.get_object(bucket_name=bucket, object_name=key)
            assert stored.read() == data
            assert stored.headers["Content-Type"] == "application/x-test"
            stored.close()
            stored.release_conn()


def test_a_restored_stack_starts_as_the_one_it_was(restored: Path) -> None:
    with LocalStack(restored, processes=("first-admin", "feedback-tables")) as stack:
        assert stack.first_admin is None  # there is one already
        gateway = f"host=127.0.0.1 port={stack.ports['postgres']} dbname={SERVICES_DATABASE} user=gateway"
        connection = psycopg2.connect(f"{gateway} password={stack.credentials.gateway_password}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM users")
            assert cursor.fetchone() == (1,)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT * FROM feedback.cases")
        connection.close()


def test_only_its_key_opens_it(made: tuple[Path, Manifest], folder: Path) -> None:
    content = made[0].read_bytes()
    assert made[0].stat().st_mode & 0o077 == 0
    assert WORD.encode() not in content
    assert b"PRIVATE KEY" not in content
    with pytest.raises(BackupError, match="another key"):
        restore(made[0], new_identity(), folder / "data")
    assert not (folder / "data").exists()


@pytest.mark.parametrize("damage", ["changed", "cut off"])
def test_a_damaged_backup_leaves_nothing_behind(
    made: tuple[Path, Manifest], tmp_path: Path, folder: Path, damage: str
) -> None:
    content = bytearray(made[0].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.age"
    damaged.write_bytes(content if damage == "changed" else made[0].read_bytes()[: -(1 << 16)])
    with pytest.raises(BackupError):
        restore(damaged, IDENTITY, folder / "data")
    assert not (folder / "data").exists()


def test_nothing_is_restored_over_what_is_there(stack: LocalStack, made: tuple[Path, Manifest]) -> None:
    with pytest.raises(BackupError, match="is not empty"):
        restore(made[0], IDENTITY, stack.data)
    assert (stack.data / "secrets" / "installation.json").exists()


def test_what_cannot_be_backed_up_leaves_no_file(stack: LocalStack, tmp_path: Path) -> None:
    with installation(stack.data) as place, pytest.raises(BackupError, match="age1"):
        back_up(place, "somebody", tmp_path / "x.age", lambda: NOW)
    with pytest.raises(BackupError, match="no installation"), installation(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
