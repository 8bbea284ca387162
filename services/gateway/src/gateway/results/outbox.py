"""Relaying the outbox: each message until the other service has taken it, with growing waits."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from gateway.results.models import OutboxMessage, OutboxTopic
from ictus.contracts.reviews import ReviewItem
from ictus.domain.errors import IctusError, UnavailableError
from ictus.http import ServiceClient

_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=15)
_log = structlog.get_logger(__name__)


def relay_outbox(
    sessions: sessionmaker[Session], feedback: ServiceClient, now: datetime, *, most: int
) -> int:
    """Send up to ``most`` due messages, each in its own transaction; how many were taken.

    A message is sent at least once: the receiver's PUT is idempotent. The row stays locked while it is sent,
    so that two relays never send it at the same time.
    """
    taken = 0
    for _ in range(most):
        with sessions.begin() as session:
            message = session.scalar(
                select(OutboxMessage)
                .where(OutboxMessage.delivered_at.is_(None), OutboxMessage.next_attempt_at <= now)
                .order_by(OutboxMessage.next_attempt_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if message is None:
                break
            message.attempts += 1
            try:
                _send(message, feedback)
            except IctusError as error:
                wait = min(_FIRST_WAIT * 2 ** min(message.attempts - 1, 16), _LONGEST_WAIT)
                message.next_attempt_at = now + wait
                message.last_error = error.detail[:500]
                _log.warning("outbox_not_delivered", topic=message.topic, attempts=message.attempts)
                if isinstance(error, UnavailableError):
                    break  # the others would only wait for the same silence
            else:
                message.delivered_at, message.last_error = now, None
                taken += 1
    return taken


def _send(message: OutboxMessage, feedback: ServiceClient) -> None:
    match message.topic:
        case OutboxTopic.REVIEW_ITEM:
            item = ReviewItem.model_validate(message.body)
            feedback.tell("PUT", f"/internal/v1/review-items/{message.subject_id}", body=item)
