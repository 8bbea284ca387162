"""The trainer's Celery worker: ``celery -A trainer.worker worker -Q trainer --pool solo``.

An idle worker is small: torch and the MLflow client are imported by the task that needs them.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from celery import Celery, signals

from ictus.contracts import tasks
from ictus.domain.enums import TrainingMethod
from ictus.domain.errors import NotFoundError, UnavailableError
from ictus.telemetry import MetricsServer, configure_telemetry, process_registry
from trainer.settings import WorkerSettings, worker_settings

if TYPE_CHECKING:
    from ictus.storage import ObjectStore
    from trainer.publish import Publisher


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
        worker_hijack_root_logger=False,
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
        _publisher(settings).publish(_inside(settings.models_dir, directory))

    @celery.task(name=tasks.TRAIN, acks_late=False)
    def train(training_id: str) -> None:
        """Acknowledged when taken: the truth is in PostgreSQL, and the gateway rings again for what a kill left."""
        from ictus.http.client import ServiceClient  # noqa: PLC0415
        from trainer.continual.protocol import DatasetsClient, TrainingsClient  # noqa: PLC0415
        from trainer.continual.runner import ImageSources, TrainingRunner  # noqa: PLC0415 (torch takes seconds)

        token = settings.trainer_token.get_secret_value()
        with (
            ServiceClient(settings.gateway_url, token) as gateway,
            ServiceClient(settings.feedback_url, token, timeout=120) as feedback,
        ):
            TrainingRunner(
                TrainingsClient(gateway, settings.worker_id),
                DatasetsClient(feedback),
                _publisher(settings),
                settings.trainer_work_dir,
                settings.permitted_changes,
                ImageSources(settings.replay_dataset, _objects(settings)),
            ).drain(UUID(training_id))

    @celery.task(
        name=tasks.TELL_METHODS,
        autoretry_for=(UnavailableError,),
        retry_backoff=5,
        retry_backoff_max=300,
        max_retries=None,
    )
    def tell_methods() -> None:
        """Say what is missing for fine-tuning, so that administrators read it before they start one."""
        from ictus.http.client import ServiceClient  # noqa: PLC0415
        from trainer.continual.images import missing_for_fine_tuning  # noqa: PLC0415 (torch takes seconds)
        from trainer.continual.protocol import TrainingsClient  # noqa: PLC0415

        missing = missing_for_fine_tuning(settings.replay_dataset, has_objects=_objects(settings) is not None)
        with ServiceClient(settings.gateway_url, settings.trainer_token.get_secret_value()) as gateway:
            TrainingsClient(gateway, settings.worker_id).tell_missing(
                {} if missing is None else {TrainingMethod.FULL_FINE_TUNING: missing}
            )

    signals.worker_ready.connect(lambda **_: tell_methods.delay(), weak=False)
    metrics = MetricsServer(process_registry(), settings.metrics_port, settings.metrics_address)
    signals.worker_ready.connect(lambda **_: metrics.__enter__(), weak=False)
    signals.worker_shutdown.connect(lambda **_: metrics.__exit__(None, None, None), weak=False)
    return celery


def _objects(settings: WorkerSettings) -> "ObjectStore | None":
    """The store of the scans, by an account that may only read; None where it is not set."""
    access, secret = settings.s3_access_key, settings.s3_secret_key
    if settings.s3_endpoint is None or access is None or secret is None:
        return None
    from ictus.storage import ObjectStore  # noqa: PLC0415 (an idle worker needs none)

    return ObjectStore(
        settings.s3_endpoint,
        access.get_secret_value(),
        secret.get_secret_value(),
        settings.s3_bucket,
        settings.s3_secure,
    )


def _publisher(settings: WorkerSettings) -> "Publisher":
    from trainer.publish import Publisher, model_bell  # noqa: PLC0415 (MLflow's client takes seconds)

    return Publisher(
        settings.mlflow_url,
        settings.model_name,
        settings.model_private_key.get_secret_value(),
        ring=model_bell(settings.redis_url.get_secret_value()),
    )


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
    settings = worker_settings()
    configure_telemetry("trainer", settings)
    celery = create_celery(settings)
    globals()["app"] = celery
    return celery
