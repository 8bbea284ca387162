"""What the worker and the command-line tool are told by their environment; the only place that reads it."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ictus.telemetry import TelemetryOptions
from inference.engine import EngineOptions, Provider


class EngineSettings(BaseSettings):
    """How networks run on this machine. The defaults are the measured best of a small CPU machine."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    engine_provider: Provider = Field(default=Provider.CPU, description="cpu, or cuda with its build.")
    engine_threads: int = Field(default=0, ge=0, description="Cores of one pass; 0 is all of them.")
    engine_batch: int = Field(default=1, ge=1, le=256, description="Slices of one pass.")

    @property
    def engine(self) -> EngineOptions:
        """The engine's options."""
        return EngineOptions(self.engine_provider, self.engine_threads, self.engine_batch)


class HealthSettings(BaseSettings):
    """Where the worker shows that it lives."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    pulse_file: Path | None = Field(
        default=None, description="Touched while the worker lives and has a model."
    )


class WorkerSettings(TelemetryOptions, EngineSettings, HealthSettings):
    """What an inference worker needs. It has no database credentials and no keys of identities."""

    redis_url: SecretStr
    gateway_url: str
    inference_token: SecretStr = Field(min_length=32)
    s3_endpoint: str = Field(description="host:port")
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str
    s3_secure: bool = True
    mlflow_url: str
    model_name: str = "ictus"
    model_public_key: str = Field(description="PEM; only models signed with its private key are loaded.")
    model_cache: Path = Field(
        description="Folder that outlives the process; workers of a machine may share it."
    )
    model_poll_seconds: float = Field(default=30, gt=0)
    worker_id: str = Field(default_factory=lambda: f"inference@{os.uname().nodename}:{os.getpid()}")
    shutdown_grace_seconds: float = Field(
        default=8,
        ge=0,
        description="How long a running job may go on after a stop signal before it is released.",
    )
    upload_threads: int = Field(default=4, ge=1, le=64)


class CommandSettings(EngineSettings):
    """What ``ictus analyze`` takes from the environment when no option says otherwise."""

    model_dir: Path | None = Field(default=None, description="Model directory; the starter model when unset.")


class SettingsError(SystemExit):
    """A setting is missing or cannot be; ends the program with one line that says which."""


def worker_settings() -> WorkerSettings:
    """The worker's settings: the environment, and files in the folder that ICTUS_SECRETS_DIR names.

    Raises:
        SettingsError: naming each setting that is missing or wrong, and never its value.
    """
    try:
        return WorkerSettings(_secrets_dir=os.environ.get("ICTUS_SECRETS_DIR"))
    except ValidationError as error:
        lines = [f"ICTUS_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("The inference worker cannot start. " + "; ".join(lines)) from None
