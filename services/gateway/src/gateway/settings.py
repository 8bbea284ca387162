"""What the gateway is told by its environment; the only module of it that reads the environment.

Each setting is ``ICTUS_<NAME>`` in the environment, or a file of that name (lower case) in the directory
``ICTUS_SECRETS_DIR``. What has no default must be given: the process refuses to start without it.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Token = Annotated[SecretStr, Field(min_length=32)]


class DatabaseSettings(BaseSettings):
    """What migrations and the operators' commands need."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    one_time_password_hours: int = Field(
        default=72, ge=1, description="How long a one-time password lets its owner sign in."
    )

    @property
    def one_time_password_life(self) -> timedelta:
        """How long a one-time password lets its owner sign in."""
        return timedelta(hours=self.one_time_password_hours)


class GatewaySettings(DatabaseSettings):
    """The gateway's settings. Secrets never appear in a ``repr``."""

    redis_url: SecretStr = Field(description="redis://host:port/0; the doorbell between processes.")
    s3_endpoint: str = Field(description="host:port of the S3 server.")
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str = "ictus"
    s3_secure: bool = True
    feedback_url: HttpUrl = Field(description="Where the feedback service listens.")
    mlflow_url: HttpUrl | None = Field(default=None, description="The model registry, read only.")
    model_name: str = Field(default="ictus", description="The registered model, as the workers know it.")
    model_public_key: str | None = Field(
        default=None, description="PEM; only a model signed with its private key is described."
    )
    model_fresh_seconds: float = Field(
        default=15.0, gt=0, description="How long the registry is not asked again which model is in use."
    )

    inference_token: Token = Field(description="What inference workers show to this gateway.")
    feedback_token: Token = Field(description="What this gateway shows to the feedback service.")
    identity_key: SecretStr = Field(
        description="Fernet keys of the patients' identity, newest first, separated by commas."
    )
    uid_key: Token = Field(description="Key of the HMAC that replaces DICOM UIDs.")

    tls: bool = Field(
        default=True,
        description="Browsers reach the gateway by https: the session cookie is Secure. False on loopback only.",
    )
    static_dir: Path | None = Field(default=None, description="The built web UI, served at `/` when given.")
    work_dir: Path | None = Field(
        default=None, description="Where uploads are spooled; the system's default."
    )
    log_level: str = "INFO"

    session_idle_minutes: int = Field(default=15, ge=1)
    session_absolute_hours: int = Field(default=12, ge=1)
    login_free_attempts: int = Field(
        default=5, ge=1, description="Wrong passwords of an account before waits."
    )
    address_free_attempts: int = Field(default=30, ge=1, description="Wrong passwords from an address.")
    registration_free_attempts: int = Field(default=20, ge=1, description="Registrations from an address.")
    login_longest_wait_seconds: int = Field(
        default=60,
        ge=1,
        description="Longest wait of an account. Whoever knows an e-mail address can keep its owner from signing in "
        "for so long at a time; the shorter, the more guesses a day from many addresses (60 s: 1440).",
    )
    address_longest_wait_seconds: int = Field(default=900, ge=1, description="Longest wait of an address.")
    lease_seconds: float = Field(default=60.0, gt=0, description="How long a worker may be silent.")
    retry_backoff_seconds: float = Field(default=5.0, gt=0, description="Wait after a first failed attempt.")
    max_queue_length: int = Field(default=1000, ge=1, description="Jobs waiting before uploads get 503.")
    max_upload_mb: int = Field(default=2048, ge=1, description="Bytes of an upload, unpacked too, in MiB.")
    max_upload_files: int = Field(
        default=2000, ge=1, description="Files of an upload, those in zips included."
    )
    upload_stall_seconds: float = Field(
        default=60.0,
        gt=0,
        description="An upload of which less than 64 KiB arrive in this time is broken off.",
    )
    concurrent_intakes: int = Field(
        default=4, ge=1, description="Uploads read at once, up to 2 GB each; the others wait."
    )
    max_slices: int = Field(default=2000, ge=1, description="Slices of one series.")
    max_pixels: int = Field(default=64 * 1024**2, ge=1, description="Pixels of one picture or slice.")
    stream_check_seconds: float = Field(
        default=10.0, gt=0, description="How often an event stream asks whether its session still lives."
    )
    sweep_seconds: float = Field(default=5.0, gt=0, description="How often forgotten work is looked for.")
    database_pool_size: int = Field(default=10, ge=1)
    database_pool_overflow: int = Field(default=30, ge=0)

    @property
    def session_idle(self) -> timedelta:
        """How long a session lives without a request."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_absolute(self) -> timedelta:
        """How long a session lives at most."""
        return timedelta(hours=self.session_absolute_hours)


class SettingsError(SystemExit):
    """The environment lacks a setting or has one that cannot be; ends the program with one line for each."""


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Read settings from the environment and from the secrets directory.

    Raises:
        SettingsError: naming each setting that is missing or wrong, and never its value.
    """
    try:
        return kind(_secrets_dir=os.environ.get("ICTUS_SECRETS_DIR"))
    except ValidationError as error:
        lines = [f"ICTUS_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("The gateway cannot start. " + "; ".join(lines)) from None
