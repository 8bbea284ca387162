"""Settings of the trainer: the only place of the service that reads the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class TrainingSettings(BaseSettings):
    """What the command line takes from the environment.

    ``ICTUS_PRETRAINED_DIR`` names a folder of ImageNet weights; unset, torch.hub is asked.
    """

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    pretrained_dir: Path | None = None
    mlflow_url: str | None = None


class WorkerSettings(BaseSettings):
    """What the Celery worker needs; it refuses to start when one is missing."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore")

    redis_url: str
    mlflow_url: str
    log_level: str = "INFO"
