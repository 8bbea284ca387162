"""The lane of a destination: its deliveries one after the other, each claimed, sent and settled.

    queued --claim--> sending --proof--> delivered
      ^                  |----no answer, or "not now"--> retrying (back-off) or, after a settable time, dead
      |                  |----"no"--> dead
      |                  |----nothing to send--> skipped
      '---- an administrator sends a dead or delivered one again

A lane is run by whoever claims its next delivery, one at a time. No transaction is open while a destination is spoken to;
a lease tells that somebody does, and a fence tells an answer that comes too late. A destination that does not answer is
left alone as a whole for a growing time, so that a thousand waiting deliveries cost one attempt at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Final, Self
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.deliveries.errors import NothingToSendError, RefusedError, UnreachableError
from gateway.deliveries.models import OPEN, Delivery, DeliveryState, Destination
from gateway.deliveries.parcel import Parcel
from gateway.deliveries.senders import Sender, sender_of
from gateway.outgoing import Backoff
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from ictus.domain.errors import IctusError, NotFoundError

_LONGEST_PROOF: Final = 500
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """The numbers of delivering.

    Attributes:
        seconds: how long a destination may be silent.
        lease: how long a sender may take before another one takes over.
        backoff: waits after failures.
        give_up: a delivery that failed is dead when it has waited for so long.
        batch: deliveries of one run of a lane.
    """

    seconds: float
    lease: timedelta
    backoff: Backoff
    give_up: timedelta
    batch: int = 100

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The installation's numbers."""
        return cls(
            seconds=settings.delivery_timeout_seconds,
            lease=timedelta(seconds=settings.delivery_lease_seconds),
            backoff=Backoff(
                first=timedelta(seconds=settings.delivery_first_wait_seconds),
                longest=timedelta(seconds=settings.delivery_longest_wait_seconds),
                jitter=0.2,
            ),
            give_up=timedelta(hours=settings.delivery_give_up_hours),
        )


@dataclass(frozen=True, slots=True)
class _Claim:
    delivery_id: UUID
    fence: int
    sender: Sender


class Lane:
    """The deliveries to one destination.

    Args:
        resources: of the process.
        destination_id: where to.
        policy: the numbers.
        chance: gives 0..1, for the jitter.
    """

    def __init__(
        self,
        resources: Resources,
        destination_id: UUID,
        policy: DeliveryPolicy | None = None,
        chance: Callable[[], float] = random,
    ) -> None:
        self._resources = resources
        self._destination_id = destination_id
        self._policy = policy or DeliveryPolicy.of(resources.settings)
        self._chance = chance

    def run(self) -> int:
        """Send what is due, until nothing is, or the destination does not answer; how many were delivered."""
        delivered = 0
        for _ in range(self._policy.batch):
            with self._resources.sessions.begin() as session:
                claim = self._claim(session)
            if claim is None:
                break
            try:
                proof = claim.sender.send(self._parcel(claim))
            except Exception as error:
                if not self._settle_failure(claim, error):
                    break
            else:
                delivered += self._settle(claim, DeliveryState.DELIVERED, proof=proof)
        return delivered

    def _claim(self, session: Session) -> _Claim | None:
        now = self._resources.clock()
        destination = session.scalar(
            select(Destination)
            .where(
                Destination.id == self._destination_id,
                Destination.enabled,
                or_(Destination.retry_at.is_(None), Destination.retry_at <= now),
            )
            .with_for_update(key_share=True, skip_locked=True)
        )
        if destination is None:
            return None
        busy = select(Delivery.id).where(
            Delivery.destination_id == destination.id,
            Delivery.state == DeliveryState.SENDING,
            Delivery.lease_expires_at > now,
        )
        if session.scalar(busy.limit(1)) is not None:
            return None
        delivery = session.scalar(
            select(Delivery)
            .where(Delivery.destination_id == destination.id, is_due(now))
            .order_by(Delivery.created_at, Delivery.id)
            .limit(1)
            .with_for_update(key_share=True, skip_locked=True)
        )
        if delivery is None:
            return None
        delivery.state, delivery.fence = DeliveryState.SENDING, delivery.fence + 1
        delivery.attempts += 1
        delivery.lease_expires_at = now + self._policy.lease
        sender = sender_of(destination, self._resources.cipher, self._policy.seconds)
        return _Claim(delivery.id, delivery.fence, sender)

    def _parcel(self, claim: _Claim) -> Parcel:
        with self._resources.sessions() as session:
            delivery = session.get(Delivery, claim.delivery_id)
            if delivery is None:
                raise NotFoundError("The study has been erased.")
            destination = session.get_one(Destination, self._destination_id)
            return Parcel.read(self._resources, session, delivery, destination.kind)

    def _settle_failure(self, claim: _Claim, error: Exception) -> bool:
        """Note why it was not delivered; whether the lane goes on."""
        detail = error.detail if isinstance(error, IctusError) else "Something went wrong on our side."
        match error:
            case NothingToSendError():
                self._settle(claim, DeliveryState.SKIPPED, error=detail)
            case RefusedError():
                self._settle(claim, DeliveryState.DEAD, error=detail)
            case UnreachableError():
                self._settle(claim, DeliveryState.RETRYING, error=detail, unreachable=True)
                return False
            case _:
                if not isinstance(error, IctusError):
                    _log.error("delivery_failed", delivery_id=str(claim.delivery_id), exc_info=error)
                self._settle(claim, DeliveryState.RETRYING, error=detail)
        return True

    def _settle(
        self,
        claim: _Claim,
        state: DeliveryState,
        *,
        proof: str | None = None,
        error: str = "",
        unreachable: bool = False,
    ) -> bool:
        """Write down how an attempt ended, with its audit row; False when it is another one's by now, or erased."""
        now = self._resources.clock()
        with self._resources.sessions.begin() as session:
            destination = session.get(
                Destination, self._destination_id, with_for_update={"key_share": True}, populate_existing=True
            )
            delivery = session.get(
                Delivery, claim.delivery_id, with_for_update={"key_share": True}, populate_existing=True
            )
            if destination is None or delivery is None or delivery.fence != claim.fence:
                return False
            delivery.lease_expires_at = None
            if state is DeliveryState.RETRYING and now - delivery.created_at >= self._policy.give_up:
                state = DeliveryState.DEAD
            delivery.state = state
            if state is DeliveryState.DELIVERED:
                delivery.note_taken(now)
                delivery.proof = (proof or "")[:_LONGEST_PROOF]
                destination.failures, destination.retry_at, destination.last_error = 0, None, None
                destination.last_delivered_at = now
            else:
                failures = 1 if unreachable else delivery.attempts
                delivery.note_failure(error, self._policy.backoff.after(failures, self._chance), now)
            if unreachable:
                self._leave_alone(session, destination, error, now)
            _audit(session, destination, delivery, now)
        return True

    def _leave_alone(self, session: Session, destination: Destination, error: str, now: datetime) -> None:
        """Try nothing of the destination for a while; what has waited for too long is dead."""
        destination.failures += 1
        destination.retry_at = now + self._policy.backoff.after(destination.failures, self._chance)
        destination.last_error = error[:_LONGEST_PROOF]
        session.flush()
        session.execute(
            update(Delivery)
            .where(
                Delivery.destination_id == destination.id,
                Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.RETRYING)),
                Delivery.created_at <= now - self._policy.give_up,
            )
            .values(state=DeliveryState.DEAD, last_error=error[:_LONGEST_PROOF])
        )


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition that a delivery can be claimed: its time has come, and no older one of its study is still open."""
    older = aliased(Delivery)
    first_of_its_study = ~exists().where(
        older.destination_id == Delivery.destination_id,
        older.study_id == Delivery.study_id,
        older.state.in_(OPEN),
        or_(
            older.created_at < Delivery.created_at,
            and_(older.created_at == Delivery.created_at, older.id < Delivery.id),
        ),
    )
    waits = Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.RETRYING))
    abandoned = and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_expires_at <= now)
    return and_(
        or_(and_(waits, Delivery.next_attempt_at <= now), abandoned),
        first_of_its_study,
    )


def due_lanes(session: Session, now: datetime, most: int) -> list[UUID]:
    """Destinations for which something can be sent now and nobody sends."""
    sending = exists().where(
        Delivery.destination_id == Destination.id,
        Delivery.state == DeliveryState.SENDING,
        Delivery.lease_expires_at > now,
    )
    waiting = exists().where(
        Delivery.destination_id == Destination.id,
        or_(
            and_(
                Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.RETRYING)),
                Delivery.next_attempt_at <= now,
            ),
            Delivery.state == DeliveryState.SENDING,
        ),
    )
    query = select(Destination.id).where(
        Destination.enabled,
        or_(Destination.retry_at.is_(None), Destination.retry_at <= now),
        waiting,
        ~sending,
    )
    return list(session.scalars(query.limit(most)))


def _audit(session: Session, destination: Destination, delivery: Delivery, now: datetime) -> None:
    AuditEntry(
        action=f"delivery.{delivery.state}",
        object_type="delivery",
        object_id=delivery.id,
        actor_kind=ActorKind.SYSTEM,
        site_id=destination.site_id,
        detail={
            "destination_id": str(destination.id),
            "study_id": str(delivery.study_id),
            "status": delivery.status,
            "attempt": delivery.attempts,
            "proof": delivery.proof,
        },
    ).write(session, now)
