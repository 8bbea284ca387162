"""Where a backup is taken from: the servers of a data folder, whether Ictus is at work there or not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minio import Minio

from local.backup.sealed import BackupError
from local.backup.tables import Cluster
from local.ports import LOOPBACK, kept_ports
from local.secret_files import Credentials
from local.stack import LocalStack
from local.supervisor_client import Supervisor


@dataclass(frozen=True)
class Installation:
    """A data folder, its PostgreSQL and its objects."""

    data: Path
    cluster: Cluster
    objects: Minio

    @classmethod
    def at(cls, data: Path, ports: Mapping[str, int], credentials: Credentials) -> "Installation":
        """The installation whose servers listen on these ports of the loopback address."""
        objects = Minio(
            endpoint=f"{LOOPBACK}:{ports['s3']}",
            access_key=credentials.s3_access_key,
            secret_key=credentials.s3_secret_key,
            secure=False,
            region="us-east-1",
        )
        return cls(data, Cluster(ports["postgres"], credentials.postgres_password), objects)


@contextmanager
def installation(data: Path) -> Iterator[Installation]:
    """The one in `data`; its PostgreSQL and S3 are started for as long as the block lasts unless they run.

    Raises:
        BackupError: there is none.
    """
    data = data.resolve()
    secrets = data / "secrets" / "installation.json"
    if not secrets.exists():
        raise BackupError(f"There is no installation in {data}.")
    if Supervisor(data / "run").is_running():
        yield Installation.at(data, kept_ports(data / "ports.json"), Credentials.load_or_create(secrets))
    else:
        with LocalStack(data, processes=("databases", "buckets")) as stack:
            yield Installation.at(data, stack.ports, stack.credentials)
