"""``/api/v1/admin/destinations`` and ``/api/v1/admin/deliveries``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from gateway.cursor import CursorError, time_cursor, time_position
from gateway.deliveries.administration import Deliveries, Destinations
from gateway.deliveries.errors import (
    DeliveryNotFoundError,
    DeliveryOpenError,
    DestinationInvalidError,
    DestinationNotFoundError,
)
from gateway.deliveries.models import DeliveryState
from gateway.deliveries.schemas import (
    DeliveryOut,
    DestinationDraft,
    DestinationOut,
    DestinationTest,
    EnteredDestination,
)
from gateway.deliveries.senders import sender_of
from gateway.deliveries.tasks import ring_after_commit
from gateway.deps import (
    AuditEntry,
    Caller,
    Cipher,
    Clock,
    DbSession,
    Queue,
    Settings,
    api_router,
    audited,
    requires,
)
from gateway.paging import Cursor, Page, PageSize
from ictus.domain.enums import Role
from ictus.domain.errors import IctusError
from ictus.http import problems

Admin = Annotated[Caller, requires(Role.ADMIN)]

destinations = api_router("/admin/destinations", tag="admin")
deliveries = api_router("/admin/deliveries", tag="admin")


@destinations.get(
    "", summary="List the destinations", dependencies=[audited("destination.list", "destination")]
)
def list_destinations(
    caller: Admin, session: DbSession, cipher: Cipher, clock: Clock
) -> list[DestinationOut]:
    """The systems that the site's results are sent to, with how each does."""
    return Destinations(session, caller, cipher, clock()).all()


@destinations.post("", status_code=status.HTTP_201_CREATED, summary="Enter a destination")
def create_destination(
    draft: DestinationDraft,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("destination.create", "destination")],
) -> EnteredDestination:
    """Results from now on are sent to it. Entering an address is trusting it: patients' identities go there."""
    entered = Destinations(session, caller, cipher, clock()).enter(draft)
    audit.object_id = entered.destination.id
    audit.detail.update(kind=draft.kind, host=draft.computer, port=draft.port)
    return entered


@destinations.put(
    "/{destination_id}",
    summary="Change a destination",
    responses=problems(DestinationNotFoundError, DestinationInvalidError),
)
def change_destination(
    destination_id: UUID,
    draft: DestinationDraft,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    queue: Queue,
    audit: Annotated[AuditEntry, audited("destination.change", "destination")],
) -> DestinationOut:
    """Describe it anew. What waits is tried at once."""
    audit.detail.update(kind=draft.kind, host=draft.computer, port=draft.port)
    changed = Destinations(session, caller, cipher, clock()).change(destination_id, draft)
    ring_after_commit(session, queue)
    return changed


@destinations.delete(
    "/{destination_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a destination",
    dependencies=[audited("destination.delete", "destination")],
    responses=problems(DestinationNotFoundError),
)
def delete_destination(
    destination_id: UUID, caller: Admin, session: DbSession, cipher: Cipher, clock: Clock
) -> None:
    """What waits for it is dropped."""
    Destinations(session, caller, cipher, clock()).delete(destination_id)


@destinations.post(
    "/{destination_id}/test",
    summary="Test a destination",
    responses=problems(DestinationNotFoundError),
)
def check_destination(
    destination_id: UUID,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    settings: Settings,
    audit: Annotated[AuditEntry, audited("destination.test", "destination")],
) -> DestinationTest:
    """C-ECHO, a search, an HL7 connection, or a webhook of the type `test`: nothing of a patient is sent."""
    destination = Destinations(session, caller, cipher, clock()).get(destination_id)
    sender = sender_of(destination, cipher, settings.delivery_timeout_seconds)
    session.commit()
    try:
        outcome = DestinationTest(reached=True, detail=sender.test())
    except IctusError as error:
        outcome = DestinationTest(reached=False, detail=error.detail)
    audit.detail.update(reached=outcome.reached)
    return outcome


@deliveries.get(
    "",
    summary="List the deliveries",
    dependencies=[audited("delivery.list", "delivery")],
    responses=problems(CursorError),
)
def list_deliveries(
    caller: Admin,
    session: DbSession,
    clock: Clock,
    destination_id: UUID | None = None,
    state: Annotated[list[DeliveryState] | None, Query()] = None,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[DeliveryOut]:
    """Results on their way to other systems, the newest first; `state=dead` gives those that were given up."""
    before = None if cursor is None else time_position(cursor)
    rows = Deliveries(session, caller.site_id, clock()).page(destination_id, state or (), before, limit + 1)
    items = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=time_cursor(items[-1].created_at, items[-1].id) if more else None,
    )


@deliveries.post(
    "/{delivery_id}/resend",
    summary="Send a delivery again",
    dependencies=[audited("delivery.resend", "delivery")],
    responses=problems(DeliveryNotFoundError, DeliveryOpenError),
)
def resend_delivery(
    delivery_id: UUID, caller: Admin, session: DbSession, clock: Clock, queue: Queue
) -> DeliveryOut:
    """Queue one that was given up, or that was delivered. The receiver gets the same objects and ids."""
    again = Deliveries(session, caller.site_id, clock()).send_again(delivery_id)
    ring_after_commit(session, queue)
    return again


router = APIRouter()
router.include_router(destinations)
router.include_router(deliveries)
