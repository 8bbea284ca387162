"""What the feedback service is told by its environment; the only module of it that reads the environment.

Each setting is ``ICTUS_<NAME>`` in the environment, or a file of that name (lower case) in the directory
``ICTUS_SECRETS_DIR``. What has no default must be given: the process refuses to start without it.
"""

import os
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """What a migration needs."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    log_level: str = "INFO"


class FeedbackSettings(DatabaseSettings):
    """The service's settings. Secrets never appear in a ``repr``."""

    feedback_token: SecretStr = Field(min_length=32, description="What the gateway shows to this service.")
    database_pool_size: int = Field(default=5, ge=1)
    database_pool_overflow: int = Field(default=10, ge=0)


class SettingsError(SystemExit):
    """The environment lacks a setting or has one that cannot be; ends the program with one line."""


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
        raise SettingsError("The feedback service cannot start. " + "; ".join(lines)) from None
