"""The gateway's Celery process: ``celery -A gateway.worker worker --beat -Q gateway``.

A feature's ``tasks.py`` gives ``register(celery, resources)``, which declares its tasks on the application:

    def register(celery: Celery, resources: Resources) -> None:
        @celery.task(name=tasks.SWEEP)
        def sweep() -> None:
            with resources.sessions.begin() as session: ...

``gateway.queues`` holds the schedule.
"""

from celery import Celery

from gateway.app import features_with
from gateway.resources import Clock, Resources, utc_now
from gateway.settings import GatewaySettings, load_settings
from ictus.telemetry import configure_logging


def create_worker(settings: GatewaySettings, *, clock: Clock = utc_now) -> Celery:
    """The Celery application with the tasks of every feature."""
    resources = Resources.create(settings, clock)
    for tasks in features_with("tasks"):
        tasks.register(resources.celery, resources)
    return resources.celery


def __getattr__(name: str) -> Celery:
    """Make ``celery`` when the command line asks for it, so that importing this module reads no environment."""
    if name != "celery":
        raise AttributeError(name)
    settings = load_settings(GatewaySettings)
    configure_logging("gateway-worker", settings.log_level)
    globals()[name] = create_worker(settings)
    return globals()[name]  # type: ignore[no-any-return]
