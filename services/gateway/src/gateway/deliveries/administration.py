"""What administrators do: enter and test destinations, look at deliveries, send dead ones again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from gateway.auth.caller import Caller
from gateway.deliveries.errors import (
    DeliveryNotFoundError,
    DeliveryOpenError,
    DestinationInvalidError,
    DestinationNotFoundError,
)
from gateway.deliveries.models import OPEN, Delivery, DeliveryState, Destination, DestinationKind
from gateway.deliveries.schemas import (
    DeliveryOut,
    DestinationDraft,
    DestinationOut,
    EnteredDestination,
)
from gateway.deliveries.webhook import new_webhook_secret
from gateway.identity import IdentityCipher
from ictus.domain.ids import new_id


class Destinations:
    """The destinations of an administrator's site within ``session``'s transaction. Another site's are not found."""

    def __init__(self, session: Session, caller: Caller, cipher: IdentityCipher, now: datetime) -> None:
        self._session = session
        self._caller = caller
        self._cipher = cipher
        self._now = now

    def all(self) -> list[DestinationOut]:
        """By name, each with how much waits and was given up."""
        query = (
            select(Destination)
            .where(Destination.site_id == self._caller.site_id)
            .order_by(Destination.name, Destination.id)
        )
        found = self._session.scalars(query).all()
        counts = self._counts([one.id for one in found])
        return [self._shown(one, counts) for one in found]

    def get(self, destination_id: UUID) -> Destination:
        """One destination. Raises ``DestinationNotFoundError``."""
        found = self._session.scalar(
            select(Destination).where(
                Destination.id == destination_id, Destination.site_id == self._caller.site_id
            )
        )
        if found is None:
            raise DestinationNotFoundError
        return found

    def enter(self, draft: DestinationDraft) -> EnteredDestination:
        """Make a destination. A webhook without a secret gets one, which is given here and never again."""
        made = None
        if draft.kind is DestinationKind.WEBHOOK and draft.secret is None:
            made = new_webhook_secret()
        destination = Destination(
            id=new_id(),
            site_id=self._caller.site_id,
            kind=draft.kind,
            created_at=self._now,
            created_by=self._caller.id,
            failures=0,
        )
        self._describe(destination, draft, made or draft.secret)
        self._session.add(destination)
        self._session.flush()
        return EnteredDestination(destination=self._shown(destination, {}), webhook_secret=made)

    def change(self, destination_id: UUID, draft: DestinationDraft) -> DestinationOut:
        """Describe a destination anew; what waits for it is tried at once.

        Raises:
            DestinationNotFoundError: the site has no such destination.
            DestinationInvalidError: another kind would be another destination.
        """
        destination = self.get(destination_id)
        if destination.kind is not draft.kind:
            raise DestinationInvalidError("The kind of a destination cannot be changed. Enter another one.")
        self._describe(destination, draft, draft.secret)
        destination.retry_at = None
        self._session.flush()
        return self._shown(destination, self._counts([destination.id]))

    def delete(self, destination_id: UUID) -> None:
        """Delete a destination with everything that waits for it. Raises ``DestinationNotFoundError``."""
        self._session.delete(self.get(destination_id))
        self._session.flush()

    def _describe(self, destination: Destination, draft: DestinationDraft, secret: str | None) -> None:
        for name in ("name", "enabled", "host", "port", "url", "tls", "own_name", "remote_name", "username"):
            setattr(destination, name, getattr(draft, name))
        destination.content = sorted(draft.content)
        destination.statuses = sorted(draft.statuses)
        if secret is not None:
            destination.secret = self._cipher.encrypt(secret)

    def _counts(self, ids: Sequence[UUID]) -> dict[tuple[UUID, bool], int]:
        """How many deliveries wait (False) and are dead (True), by destination."""
        is_dead = Delivery.state == DeliveryState.DEAD
        rows = self._session.execute(
            select(Delivery.destination_id, is_dead, func.count())
            .where(Delivery.destination_id.in_(ids), Delivery.state.in_((*OPEN, DeliveryState.DEAD)))
            .group_by(Delivery.destination_id, is_dead)
        )
        return {(destination_id, dead): count for destination_id, dead, count in rows}

    @staticmethod
    def _shown(destination: Destination, counts: dict[tuple[UUID, bool], int]) -> DestinationOut:
        waiting, dead = (counts.get((destination.id, kind), 0) for kind in (False, True))
        return DestinationOut.of(destination, waiting, dead)


class Deliveries:
    """The deliveries of an administrator's site within ``session``'s transaction."""

    def __init__(self, session: Session, site_id: UUID, now: datetime) -> None:
        self._session = session
        self._site_id = site_id
        self._now = now

    def page(
        self,
        destination_id: UUID | None,
        states: Sequence[DeliveryState],
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[DeliveryOut]:
        """The newest first."""
        query = (
            select(Delivery, Destination)
            .join(Destination, Destination.id == Delivery.destination_id)
            .where(Destination.site_id == self._site_id)
            .order_by(Delivery.created_at.desc(), Delivery.id.desc())
            .limit(limit)
        )
        if destination_id is not None:
            query = query.where(Delivery.destination_id == destination_id)
        if states:
            query = query.where(Delivery.state.in_(states))
        if before is not None:
            query = query.where(tuple_(Delivery.created_at, Delivery.id) < before)
        return [DeliveryOut.of(*row) for row in self._session.execute(query)]

    def send_again(self, delivery_id: UUID) -> DeliveryOut:
        """Queue a delivery that has ended, as if it never had been sent; the receiver knows it by its ids.

        Raises:
            DeliveryNotFoundError: the site has no such delivery.
            DeliveryOpenError: it has not ended.
        """
        row = self._session.execute(
            select(Delivery, Destination)
            .join(Destination, Destination.id == Delivery.destination_id)
            .where(Delivery.id == delivery_id, Destination.site_id == self._site_id)
            .with_for_update(key_share=True, of=Delivery)
        ).first()
        if row is None:
            raise DeliveryNotFoundError
        delivery, destination = row
        if delivery.state in OPEN:
            raise DeliveryOpenError
        # Its age counts from now on, or it would be given up at the next failure.
        delivery.state, delivery.created_at, delivery.proof = DeliveryState.QUEUED, self._now, None
        delivery.send_anew(self._now)
        return DeliveryOut.of(delivery, destination)
