"""The outbox: what other services must be told, and relaying it until they have taken it, with growing waits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from gateway.outgoing import Backoff, due
from gateway.results.models import OutboxMessage, OutboxTopic, Result
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Priority
from ictus.domain.errors import IctusError, UnavailableError
from ictus.http import RemoteError, ServiceClient

_BACKOFF: Final = Backoff(first=timedelta(seconds=5), longest=timedelta(minutes=15))
_log = structlog.get_logger(__name__)


def tell_of_result(session: Session, item: ReviewItem, now: datetime) -> None:
    """Have the feedback service told of a result. One that it was told of before is not told again."""
    session.execute(
        insert(OutboxMessage)
        .values(
            topic=OutboxTopic.REVIEW_ITEM,
            subject_id=item.job_id,
            body=item.model_dump(mode="json"),
            created_at=now,
            next_attempt_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing()
    )


def tell_of_priority(session: Session, study_id: UUID, now: datetime) -> None:
    """Have the feedback service told that a study has become STAT, if it was or is being told of its results."""
    messages = session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.topic == OutboxTopic.REVIEW_ITEM,
            OutboxMessage.subject_id.in_(select(Result.job_id).where(Result.study_id == study_id)),
        )
        .order_by(OutboxMessage.id)
        .with_for_update()
    )
    for message in messages:
        message.body = {**message.body, "priority": Priority.STAT.value}
        message.send_anew(now)


def tell_of_erasure(session: Session, study_id: UUID, now: datetime) -> None:
    """Have the feedback service told to erase all that it has of a study."""
    session.add(
        OutboxMessage(
            topic=OutboxTopic.STUDY_ERASED,
            subject_id=study_id,
            body={},
            created_at=now,
            next_attempt_at=now,
            attempts=0,
        )
    )


def forget_results(session: Session, job_ids: Sequence[UUID]) -> None:
    """Delete what was to be told, or has been, of the results of these jobs; one that is being sent is waited for."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.topic == OutboxTopic.REVIEW_ITEM, OutboxMessage.subject_id.in_(job_ids)
        )
    )


def relay_outbox(
    sessions: sessionmaker[Session], feedback: ServiceClient, now: datetime, *, most: int
) -> int:
    """Send up to ``most`` due messages, each in its own transaction; how many were taken.

    A message is sent at least once: the receiver's PUT and DELETE are idempotent. The row stays locked while it is
    sent, so that two relays never send it at the same time.
    """
    taken = 0
    for _ in range(most):
        with sessions.begin() as session:
            message = session.scalar(due(OutboxMessage, now))
            if message is None:
                break
            message.attempts += 1
            try:
                _send(message, feedback)
            except IctusError as error:
                message.note_failure(error.detail, _BACKOFF.after(message.attempts), now)
                _log.warning("outbox_not_delivered", topic=message.topic, attempts=message.attempts)
                if isinstance(error, UnavailableError):
                    break  # the others would only wait for the same silence
            else:
                message.note_taken(now)
                taken += 1
    return taken


def _send(message: OutboxMessage, feedback: ServiceClient) -> None:
    match message.topic:
        case OutboxTopic.REVIEW_ITEM:
            item = ReviewItem.model_validate(message.body)
            try:
                feedback.tell("PUT", f"/internal/v1/review-items/{message.subject_id}", body=item)
            except RemoteError as error:
                if (
                    error.remote_status != HTTPStatus.GONE
                ):  # the study has been erased: nothing is left to tell
                    raise
        case OutboxTopic.STUDY_ERASED:
            feedback.tell("DELETE", f"/internal/v1/studies/{message.subject_id}")
