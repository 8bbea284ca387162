"""The gateway's Celery process: ``celery -A gateway.worker worker --beat -Q gateway``.

A feature's ``tasks.py`` gives ``register(celery, resources)``, which declares its tasks on the application:

    def register(celery: Celery, resources: Resources) -> None:
        @celery.task(name=tasks.SWEEP)
        def sweep() -> None:
            with resources.sessions.begin() as session: ...

``gateway.queues`` holds the schedule.
"""

from celery import Celery, signals

from gateway.app import features_with
from gateway.resources import Clock, Resources, utc_now
from gateway.settings import GatewaySettings, load_settings
from ictus.telemetry import MetricsServer, configure_telemetry


def create_worker(settings: GatewaySettings, *, clock: Clock = utc_now) -> Celery:
    """The Celery application with the tasks of every feature."""
    resources = Resources.create(settings, clock)
    for tasks in features_with("tasks"):
        tasks.register(resources.celery, resources)
    metrics = MetricsServer(resources.metrics.registry, settings.metrics_port, settings.metrics_address)
    signals.worker_ready.connect(lambda **_: metrics.__enter__(), weak=False)
    signals.worker_shutdown.connect(lambda **_: metrics.__exit__(None, None, None), weak=False)
    return resources.celery


def __getattr__(name: str) -> Celery:
    """Make ``celery`` when the command line asks for it, so that importing this module reads no environment."""
    if name != "celery":
        raise AttributeError(name)
    settings = load_settings(GatewaySettings)
    configure_telemetry("gateway-worker", settings)
    globals()[name] = create_worker(settings)
    return globals()[name]  # type: ignore[no-any-return]
