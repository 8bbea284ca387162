"""The gateway's Celery application: it rings the inference workers and runs its own schedule.

Redis is a doorbell: a message is a wake-up and losing one loses nothing, so results are not kept and
publishing gives up at once instead of holding a request.
"""

from celery import Celery

from gateway.settings import GatewaySettings
from ictus.contracts import tasks

PURGE_SESSIONS = "ictus.gateway.purge_sessions"
ERASE_EXPIRED = "ictus.gateway.erase_expired"
START_TRAINING = "ictus.gateway.start_training"
COMPLETE_INCOMING = "ictus.gateway.complete_incoming"
PULL = "ictus.gateway.pull"


def create_celery(settings: GatewaySettings) -> Celery:
    """A Celery application on the settings' Redis, JSON only."""
    celery = Celery("gateway", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue=tasks.QUEUE_GATEWAY,
        task_routes={
            tasks.ANALYZE: {"queue": tasks.QUEUE_INFERENCE},
            tasks.TRAIN: {"queue": tasks.QUEUE_TRAINER},
            tasks.DELIVER: {"queue": tasks.QUEUE_DELIVERIES},
            PULL: {"queue": tasks.QUEUE_DELIVERIES},
        },
        task_publish_retry=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 0},
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
        timezone="UTC",
        beat_schedule={
            "sweep": {
                "task": tasks.SWEEP,
                "schedule": settings.sweep_seconds,
                "options": {"expires": settings.sweep_seconds},
            },
            "complete-incoming": {
                "task": COMPLETE_INCOMING,
                "schedule": settings.dimse_check_seconds,
                "options": {"expires": settings.dimse_check_seconds},
            },
            "purge-sessions": {"task": PURGE_SESSIONS, "schedule": 3600.0},
            "erase-expired": {"task": ERASE_EXPIRED, "schedule": 3600.0, "options": {"expires": 3600.0}},
            "start-training": {
                "task": START_TRAINING,
                "schedule": settings.training_check_seconds,
                "options": {"expires": settings.training_check_seconds},
            },
        },
    )
    return celery
