"""What the trainer is told by its environment; the only place of the service that reads it."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ictus.telemetry import TelemetryOptions


class CommandSettings(BaseSettings):
    """What ``ictus-train`` takes from the environment when no option says otherwise."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    pretrained_dir: Path | None = Field(
        default=None, description="Folder of ImageNet weights; torch.hub is asked when unset."
    )
    mlflow_url: str | None = None
    redis_url: SecretStr | None = None
    model_name: str = "ictus"
    model_private_key: SecretStr | None = Field(
        default=None, description="PEM; what is published is signed with it."
    )


class WorkerSettings(TelemetryOptions, BaseSettings):
    """What the worker needs. It has no database credentials and sees no identities."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    redis_url: SecretStr
    mlflow_url: str
    model_name: str = "ictus"
    model_private_key: SecretStr = Field(description="PEM; what is published is signed with it.")
    models_dir: Path = Field(
        default=Path("models"), description="Folder of the model directories that may be published."
    )
    gateway_url: str
    feedback_url: str
    trainer_token: SecretStr = Field(min_length=32, description="At the gateway and at the feedback service.")
    trainer_work_dir: Path = Field(
        description="Folder that outlives the process: what a killed training goes on from."
    )
    permitted_changes: Path | None = Field(
        default=None, description="YAML of the installation's own; those that Ictus comes with when unset."
    )
    replay_dataset: Path | None = Field(
        default=None,
        description="Folder of the imported data set that the model in use learned from: what fine-tuning replays.",
    )
    s3_endpoint: str | None = Field(default=None, description="host:port of the S3 server, for fine-tuning.")
    s3_access_key: SecretStr | None = Field(default=None, description="May read scans and nothing else.")
    s3_secret_key: SecretStr | None = None
    s3_bucket: str = "ictus"
    s3_secure: bool = True
    worker_id: str = Field(default_factory=lambda: f"trainer@{os.uname().nodename}:{os.getpid()}")


class SettingsError(SystemExit):
    """A setting is missing or cannot be; ends the program with one line that says which."""


def command_settings() -> CommandSettings:
    """What the environment says, and the files in the folder that ICTUS_SECRETS_DIR names."""
    return CommandSettings(_secrets_dir=os.environ.get("ICTUS_SECRETS_DIR"))


def worker_settings() -> WorkerSettings:
    """The worker's settings: the environment, and files in the folder that ICTUS_SECRETS_DIR names.

    Raises:
        SettingsError: naming each setting that is missing or wrong, and never its value.
    """
    try:
        return WorkerSettings(_secrets_dir=os.environ.get("ICTUS_SECRETS_DIR"))
    except ValidationError as error:
        lines = [f"ICTUS_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("The trainer cannot start. " + "; ".join(lines)) from None
