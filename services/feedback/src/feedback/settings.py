"""What the feedback service is told by its environment; the only module of it that reads the environment.

Each setting is ``ICTUS_<NAME>`` in the environment, or a file of that name (lower case) in the directory
``ICTUS_SECRETS_DIR``. What has no default must be given: the process refuses to start without it.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ictus.telemetry import TelemetryOptions


class DatabaseSettings(TelemetryOptions, BaseSettings):
    """What a migration needs."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="postgresql://user:password@host:port/database")


class TwoReaders(StrEnum):
    """Which verdicts need a second reader.

    ``flips``: one that contradicts a confident result and would be learned from.
    """

    NEVER = "never"
    FLIPS = "flips"
    ALWAYS = "always"


@dataclass(frozen=True)
class Policy:
    """The installation's rules for reading and learning; ``FeedbackSettings`` describes each."""

    two_readers: TwoReaders
    outlier_confidence: float
    success_share: float
    normal_slices: int
    reader_share: float
    reader_floor: int


class FeedbackSettings(DatabaseSettings):
    """The service's settings. Secrets never appear in a ``repr``."""

    feedback_token: SecretStr = Field(min_length=32, description="What the gateway shows to this service.")
    trainer_token: SecretStr = Field(min_length=32, description="What the trainer shows to this service.")
    database_pool_size: int = Field(default=5, ge=1)
    database_pool_overflow: int = Field(default=10, ge=0)
    s3_endpoint: str = Field(description="host:port of the S3 server.")
    s3_access_key: SecretStr = Field(description="May read the bucket and nothing else.")
    s3_secret_key: SecretStr
    s3_bucket: str = "ictus"
    s3_secure: bool = True
    s3_read_seconds: float = Field(
        default=2.0, gt=0, description="How long the S3 server may be silent; three tries."
    )
    two_readers: TwoReaders = TwoReaders.FLIPS
    outlier_confidence: float = Field(
        default=0.98,
        gt=0.5,
        le=1,
        description="A verdict against a model that was this sure waits for a second reader, whatever two_readers says, "
        "unless confirmed cases that look alike support it.",
    )
    success_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Of the confident results that readers confirm, the share that is learned from.",
    )
    normal_slices: int = Field(
        default=5, ge=1, le=32, description="Slices that are learned from a study without a stroke."
    )
    reader_share: float = Field(
        default=0.4, gt=0, le=1, description="At most this share of a dataset's cases comes from one reader."
    )
    reader_floor: int = Field(
        default=20, ge=0, description="So many cases each reader may give, however few the others gave."
    )

    @property
    def policy(self) -> Policy:
        """The rules for reading and learning."""
        return Policy(
            two_readers=self.two_readers,
            outlier_confidence=self.outlier_confidence,
            success_share=self.success_share,
            normal_slices=self.normal_slices,
            reader_share=self.reader_share,
            reader_floor=self.reader_floor,
        )


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
