"""Secrets of one installation: made once, kept in files that only their owner reads.

Each process gets a folder of its own (``ICTUS_SECRETS_DIR``) that holds what that process needs and nothing
else, so no secret stands in an environment variable or on a command line.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from local.ports import LOOPBACK

S3_BUCKET: Final = "ictus"
MLFLOW_BUCKET: Final = "mlflow"


def _token() -> str:
    return secrets.token_urlsafe(32)


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # as Fernet wants it


@dataclass(frozen=True)
class Credentials:
    """Every password, token and key of the installation."""

    postgres_password: str = field(default_factory=_token)
    gateway_password: str = field(default_factory=_token)
    feedback_password: str = field(default_factory=_token)
    mlflow_password: str = field(default_factory=_token)
    redis_password: str = field(default_factory=_token)
    s3_access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    s3_secret_key: str = field(default_factory=_token)
    s3_reader_access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    s3_reader_secret_key: str = field(default_factory=_token)
    s3_scans_access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    s3_scans_secret_key: str = field(default_factory=_token)
    inference_token: str = field(default_factory=_token)
    feedback_token: str = field(default_factory=_token)
    trainer_token: str = field(default_factory=_token)
    identity_key: str = field(default_factory=_key)
    uid_key: str = field(default_factory=_key)
    grafana_password: str = field(default_factory=_token)

    @classmethod
    def load_or_create(cls, path: Path) -> "Credentials":
        """Read the credentials kept at `path` (mode 0600); those that are not there yet are made and kept there."""
        kept = json.loads(path.read_text()) if path.exists() else {}
        made = cls(**kept)
        if asdict(made) != kept:
            write_private(path, json.dumps(asdict(made), indent=2) + "\n")
        return made


@dataclass(frozen=True)
class ModelKeys:
    """The key pair that models are signed and verified with, PEM."""

    private: str
    public: str

    @classmethod
    def load_or_create(cls, folder: Path, make: Callable[[], "ModelKeys"]) -> "ModelKeys":
        """Read the pair kept in `folder`, or `make` one and keep it there."""
        private, public = folder / "model-signing.pem", folder / "model-signing.pub"
        if not private.exists() or not public.exists():
            made = make()
            write_private(private, made.private)
            write_private(public, made.public)
        return cls(private.read_text(), public.read_text())


def write_private(path: Path, text: str) -> None:
    """Write `text` to a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)


@dataclass(frozen=True)
class Addresses:
    """Where the services find the servers, as host:port."""

    postgres: str
    redis: str

    @classmethod
    def on_loopback(cls, ports: Mapping[str, int]) -> "Addresses":
        """Give the local stack's."""
        return cls(f"{LOOPBACK}:{ports['postgres']}", f"{LOOPBACK}:{ports['redis']}")


def write_process_secrets(
    folder: Path, credentials: Credentials, model_keys: ModelKeys, addresses: Addresses
) -> None:
    """Lay out one folder per process below `folder`, each with what that process may know."""
    for process, values in _settings(credentials, model_keys, addresses).items():
        for name, value in values.items():
            write_private(folder / process / f"ictus_{name}", value)
    for path, text in _server_files(credentials, addresses).items():
        write_private(folder / path, text)


def _settings(
    credentials: Credentials, model_keys: ModelKeys, addresses: Addresses
) -> dict[str, dict[str, str]]:
    """Name the secret settings of each service, as its ``settings.py`` spells them."""
    redis = f"redis://:{credentials.redis_password}@{addresses.redis}/0"
    objects = {"s3_access_key": credentials.s3_access_key, "s3_secret_key": credentials.s3_secret_key}
    gateway = {
        "database_url": database_url("gateway", credentials.gateway_password, addresses.postgres),
        "redis_url": redis,
        **objects,
        "inference_token": credentials.inference_token,
        "feedback_token": credentials.feedback_token,
        "trainer_token": credentials.trainer_token,
        "identity_key": credentials.identity_key,
        "uid_key": credentials.uid_key,
        "model_public_key": model_keys.public,
    }
    return {
        "gateway": gateway,
        "feedback": {
            "database_url": database_url("feedback", credentials.feedback_password, addresses.postgres),
            "feedback_token": credentials.feedback_token,
            "trainer_token": credentials.trainer_token,
            "s3_access_key": credentials.s3_reader_access_key,
            "s3_secret_key": credentials.s3_reader_secret_key,
        },
        "inference": {
            "redis_url": redis,
            **objects,
            "inference_token": credentials.inference_token,
            "model_public_key": model_keys.public,
        },
        "trainer": {
            "redis_url": redis,
            "trainer_token": credentials.trainer_token,
            "model_private_key": model_keys.private,
            "s3_access_key": credentials.s3_scans_access_key,
            "s3_secret_key": credentials.s3_scans_secret_key,
        },
    }


def database_url(role: str, password: str, address: str, database: str = "ictus") -> str:
    """Spell the SQLAlchemy URL of a database on the PostgreSQL at `address` (host:port)."""
    return f"postgresql+psycopg2://{role}:{password}@{address}/{database}"


def _server_files(credentials: Credentials, addresses: Addresses) -> dict[str, str]:
    """Spell each server's own secret file."""
    identity = {
        "name": "ictus",
        "credentials": [{"accessKey": credentials.s3_access_key, "secretKey": credentials.s3_secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    readers = [
        {
            "name": name,
            "credentials": [{"accessKey": access, "secretKey": secret}],
            "actions": [f"Read:{S3_BUCKET}", f"List:{S3_BUCKET}"],
        }
        for name, access, secret in (
            ("reader", credentials.s3_reader_access_key, credentials.s3_reader_secret_key),
            ("scans-reader", credentials.s3_scans_access_key, credentials.s3_scans_secret_key),
        )
    ]
    aws = (
        "[default]\n"
        f"aws_access_key_id = {credentials.s3_access_key}\n"
        f"aws_secret_access_key = {credentials.s3_secret_key}\n"
    )
    return {
        "redis/redis.conf": f"requirepass {credentials.redis_password}\n",
        "s3/s3.json": json.dumps({"identities": [identity, *readers]}),
        "mlflow/aws-credentials": aws,
        "mlflow/pgpass": f"{addresses.postgres}:mlflow:mlflow:{credentials.mlflow_password}\n",
    }
