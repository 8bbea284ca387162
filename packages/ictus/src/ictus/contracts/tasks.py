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

RING_LANES: Final = "ictus.gateway.ring_lanes"
"""Has the gateway look which destinations something can be delivered to."""

DELIVER: Final = "ictus.gateway.deliver"
"""Rings a destination's lane: ``{"destination_id": "<uuid>"}``."""

RING_EXPIRES_SECONDS: Final = 60.0
"""A ring for a lane that nobody has heard by then is void: the next sweep rings again."""

PUBLISH_MODEL: Final = "ictus.trainer.publish"
"""Tells the trainer to register a model directory of its models folder: ``{"directory": "<name>"}``."""

TRAIN: Final = "ictus.trainer.train"
"""Rings the trainer: ``{"training_id": "<uuid>"}``. The trainer then claims the training that waits."""

TELL_METHODS: Final = "ictus.trainer.tell_methods"
"""The trainer's own, when it starts: it tells the gateway which ways of learning it lacks something for."""

QUEUE_INFERENCE: Final = "inference"
QUEUE_GATEWAY: Final = "gateway"
QUEUE_DELIVERIES: Final = "deliveries"
QUEUE_TRAINER: Final = "trainer"
