"""The trainer's Celery worker: ``celery -A trainer.worker worker -Q trainer --pool solo``.

An idle worker is small: torch and the MLflow client are imported by the task that needs them.
"""

from pathlib import Path

from celery import Celery

from ictus.contracts import tasks
from ictus.domain.errors import NotFoundError, UnavailableError
from trainer.settings import WorkerSettings, worker_settings


def create_celery(settings: WorkerSettings) -> Celery:
    """A Celery application with the trainer's tasks."""
    celery = Celery("trainer", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue=tasks.QUEUE_TRAINER,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        enable_utc=True,
        timezone="UTC",
    )

    @celery.task(
        name=tasks.PUBLISH_MODEL,
        autoretry_for=(UnavailableError,),
        retry_backoff=5,
        retry_backoff_max=120,
        max_retries=8,
    )
    def publish(directory: str) -> None:
        from trainer.publish import Publisher, model_bell  # noqa: PLC0415 (MLflow's client takes seconds)

        Publisher(
            settings.mlflow_url,
            settings.model_name,
            settings.model_private_key.get_secret_value(),
            ring=model_bell(settings.redis_url.get_secret_value()),
        ).publish(_inside(settings.models_dir, directory))

    return celery


def _inside(models: Path, name: str) -> Path:
    """The model directory of this plain name.

    Raises:
        NotFoundError: it is not a folder directly below ``models``.
    """
    directory = models / name
    if Path(name).name != name or not directory.is_dir():
        raise NotFoundError("There is no such model directory.")
    return directory


def __getattr__(name: str) -> Celery:
    """Make ``app`` when Celery's command line asks for it, so that an import reads no environment."""
    if name != "app":
        raise AttributeError(name)
    celery = create_celery(worker_settings())
    globals()["app"] = celery
    return celery
