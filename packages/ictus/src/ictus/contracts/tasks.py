"""Celery task and queue names, the one place where they are spelled.

Every task is a wake-up: it carries ids only, and losing one loses nothing (the sweeper rings again).
"""

from typing import Final

ANALYZE: Final = "ictus.analyze"
"""Rings the inference workers: ``{"job_id": "<uuid>"}``. A worker then claims the most urgent job."""

MODEL_CHANGED: Final = "ictus.model_changed"
"""Tells the inference workers to ask the registry for the champion now instead of at the next poll."""

SWEEP: Final = "ictus.gateway.sweep"
"""Gateway beat task: re-rings queued jobs, ends expired leases, relays the outbox."""

PUBLISH_MODEL: Final = "ictus.trainer.publish"
"""Tells the trainer to register a model directory of its models folder: ``{"directory": "<name>"}``."""

QUEUE_INFERENCE: Final = "inference"
QUEUE_GATEWAY: Final = "gateway"
QUEUE_TRAINER: Final = "trainer"
