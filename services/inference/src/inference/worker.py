"""The inference worker: ``python -m inference.worker``. Redis wakes it, the gateway gives it jobs.

Celery's solo pool runs one task at a time in the main thread: the network takes all cores anyway, and a job
must not be killed by a pool that recycles its processes.
"""

import sys
from typing import Any
from uuid import UUID

from celery import Celery, bootsteps, signals
from celery.worker.consumer import Consumer

from ictus.contracts import tasks
from ictus.http.client import ServiceClient
from ictus.storage import ObjectStore
from ictus.telemetry import MetricsServer, configure_telemetry
from inference.artefacts import ModelSource, ModelStore
from inference.bell import ModelBell
from inference.health import Pulse
from inference.jobs import JobsClient
from inference.metrics import WorkerMetrics
from inference.runner import JobRunner, Stopping
from inference.settings import WorkerSettings, worker_settings

_PULSE_SECONDS = 5.0


def create_celery(settings: WorkerSettings, runner: JobRunner, pulse: Pulse) -> Celery:
    """A Celery application with the worker's wake-up.

    Messages are acknowledged when they are taken: the truth is in PostgreSQL, and the gateway's sweeper rings
    again for every job that a killed worker left behind.
    """
    celery = Celery("inference", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue=tasks.QUEUE_INFERENCE,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        enable_utc=True,
        timezone="UTC",
    )

    @celery.task(name=tasks.ANALYZE)
    def wake_for_job(job_id: str) -> None:
        runner.drain(UUID(job_id))

    class PulseStep(bootsteps.StartStopStep):
        """Beats while the main loop waits for wake-ups."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Consumer) -> None:
            pulse.beat()
            parent.timer.call_repeatedly(_PULSE_SECONDS, pulse.beat)

    celery.steps["consumer"].add(PulseStep)
    return celery


def main() -> int:
    """Run until a stop signal; the exit code of the process."""
    settings = worker_settings()
    configure_telemetry("inference", settings)

    def open_registry() -> ModelSource:
        from ictus.registry import Registry  # noqa: PLC0415 (its client takes seconds to import)

        return Registry(settings.mlflow_url, settings.model_name, public_key=settings.model_public_key)

    models = ModelStore(
        settings.model_cache,
        open_registry,
        settings.engine,
        public_key=settings.model_public_key,
        poll_seconds=settings.model_poll_seconds,
    )
    metrics = WorkerMetrics(lambda: models.versions_in_memory)
    pulse = Pulse(settings.pulse_file, lambda: models.ready)
    stopping = Stopping(settings.shutdown_grace_seconds)
    store = ObjectStore(
        settings.s3_endpoint,
        settings.s3_access_key.get_secret_value(),
        settings.s3_secret_key.get_secret_value(),
        settings.s3_bucket,
        secure=settings.s3_secure,
    )
    with (
        MetricsServer(metrics.registry, settings.metrics_port, settings.metrics_address),
        ServiceClient(settings.gateway_url, settings.inference_token.get_secret_value()) as gateway,
    ):
        runner = JobRunner(
            JobsClient(gateway, settings.worker_id),
            models,
            store,
            pulse,
            stopping,
            metrics,
            upload_threads=settings.upload_threads,
        )
        celery = create_celery(settings, runner, pulse)

        def begin_stop(**_: Any) -> None:
            stopping.begin()

        signals.worker_shutting_down.connect(begin_stop, weak=False)
        bell = ModelBell(settings.redis_url.get_secret_value(), models.wake)
        models.start()
        bell.start()
        try:
            return run_celery(celery, settings)
        finally:
            bell.stop()
            models.stop()


def run_celery(celery: Celery, settings: WorkerSettings) -> int:
    """Take wake-ups until a stop signal; Celery's exit code."""

    def keep_our_logging(**_: Any) -> None:
        """Connected so that Celery does not set up its own."""

    signals.setup_logging.connect(keep_our_logging, weak=False)
    worker = celery.Worker(
        pool="solo",
        queues=[tasks.QUEUE_INFERENCE],
        hostname=settings.worker_id,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel=settings.log_level,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
