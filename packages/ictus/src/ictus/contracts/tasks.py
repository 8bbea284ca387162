"""Names of Celery tasks, of their queues and of Redis channels, the one place where they are spelled.

Every message is a wake-up: it carries ids only, and losing one loses nothing (the sweeper rings again, the
workers look at the registry by themselves now and then).
"""

from typing import Final

ANALYZE: Final = "ictus.analyze"
"""Rings the inference workers: ``{"job_id": "<uuid>"}``. A worker then claims the most urgent job."""

MODEL_CHANGED: Final = "ictus.model_changed"
"""Redis channel, not a task: tells all inference workers to ask the registry for the champion now."""

SWEEP: Final = "ictus.gateway.sweep"
"""Gateway beat task: re-rings queued jobs, ends expired leases, relays the outbox."""

PUBLISH_MODEL: Final = "ictus.trainer.publish"
"""Tells the trainer to register a model directory of its models folder: ``{"directory": "<name>"}``."""

QUEUE_INFERENCE: Final = "inference"
QUEUE_GATEWAY: Final = "gateway"
QUEUE_TRAINER: Final = "trainer"
