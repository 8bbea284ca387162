"""What the trainer is told by its environment; the only place of the service that reads it."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


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


class WorkerSettings(BaseSettings):
    """What the worker needs. It has no database credentials and sees no identities."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    redis_url: SecretStr
    mlflow_url: str
    model_name: str = "ictus"
    model_private_key: SecretStr = Field(description="PEM; what is published is signed with it.")
    models_dir: Path = Field(
        default=Path("models"), description="Folder of the model directories that may be published."
    )


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
