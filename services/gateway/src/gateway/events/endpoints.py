"""Server-sent events: ``/api/v1/events`` for the worklist, ``/api/v1/studies/{study_id}/events`` for one study."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from gateway.audit.trail import audited
from gateway.auth.caller import Caller
from gateway.auth.models import Scope
from gateway.auth.repository import ApiKeyRepository
from gateway.auth.service import session_is_live
from gateway.deps import DbSession, Resources, api_router, requires
from gateway.events.repository import EventRepository
from gateway.events.schemas import EventRecord, StudyEvent
from gateway.events.stream import Subscription
from gateway.studies.repository import StudyRepository
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError, UnavailableError
from ictus.http import problems

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_READ)]
LastEventId = Annotated[
    int | None,
    Header(ge=0, description="The id of the last event that was seen; the stream goes on behind it."),
]

router = api_router("", tag="studies")

_PAGE: Final = 500
_LISTENING_SECONDS: Final = 10.0
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": StudyEvent, "description": "A stream; the `data` of each event is a StudyEvent."}
}


async def _site_subscription(caller: Reader, resources: Resources) -> AsyncIterator[Subscription]:
    """Subscribe before the answer begins: what is committed once it has begun will be streamed."""
    with resources.events.subscribe(caller.site_id, None) as subscription:
        await _until_listening(resources)
        yield subscription


def _readable_study(study_id: UUID, caller: Reader, session: DbSession) -> UUID:
    """Refuse before the answer begins: afterwards there is no status to refuse with."""
    if StudyRepository(session).get(caller.site_id, study_id) is None:
        raise NotFoundError("There is no such study.")
    return study_id


async def _study_subscription(
    study_id: Annotated[UUID, Depends(_readable_study)], caller: Reader, resources: Resources
) -> AsyncIterator[Subscription]:
    with resources.events.subscribe(caller.site_id, study_id) as subscription:
        await _until_listening(resources)
        yield subscription


async def _until_listening(resources: Resources) -> None:
    if not await run_in_threadpool(resources.events.wait_until_listening, _LISTENING_SECONDS):
        raise UnavailableError(retry_after=5)


@router.get(
    "/events", response_class=EventSourceResponse, responses=_STREAM, dependencies=[audited("event.stream")]
)
async def stream_events(
    subscription: Annotated[Subscription, Depends(_site_subscription)],
    caller: Reader,
    resources: Resources,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """What happens to the studies of the caller's site, from now on or behind ``Last-Event-ID``.

    Open the stream first and then read the worklist, so that nothing falls between. The stream ends with the
    caller's session.
    """
    async for event in _stream(resources, caller, subscription, last_event_id):
        yield event


@router.get(
    "/studies/{study_id}/events",
    response_class=EventSourceResponse,
    responses={**_STREAM, **problems(NotFoundError)},
    dependencies=[audited("study.stream", "study")],
)
async def stream_study_events(
    subscription: Annotated[Subscription, Depends(_study_subscription)],
    caller: Reader,
    resources: Resources,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """What happens to one study: all that is still known of it, then what comes."""
    async for event in _stream(resources, caller, subscription, last_event_id or 0):
        yield event


async def _stream(
    resources: Resources, caller: Caller, subscription: Subscription, last_id: int | None
) -> AsyncIterator[ServerSentEvent]:
    """Past events behind ``last_id`` (none of the past for None), then live ones, while the caller is let in."""
    loop = asyncio.get_running_loop()
    if last_id is not None:
        while past := await run_in_threadpool(_past, resources, subscription, last_id):
            for record in past:
                yield _as_sent(record)
            last_id = past[-1].id
    while await run_in_threadpool(_may_go_on, resources, caller):
        check_at = loop.time() + resources.settings.stream_check_seconds
        while (left := check_at - loop.time()) > 0:
            try:
                live = await asyncio.wait_for(subscription.queue.get(), left)
            except TimeoutError:
                break
            if live is None:
                return
            if last_id is None or live.id > last_id:
                yield _as_sent(live)


def _past(resources: Resources, subscription: Subscription, last_id: int) -> Sequence[EventRecord]:
    with resources.sessions() as session:
        events = EventRepository(session)
        site_id, study_id = subscription.site_id, subscription.study_id
        return list(events.after(last_id, site_id=site_id, study_id=study_id, limit=_PAGE))


def _may_go_on(resources: Resources, caller: Caller) -> bool:
    """Whether the session has not ended, or the key not been revoked, since the stream began."""
    with resources.sessions() as session:
        if caller.session_id is not None:
            return session_is_live(session, resources, caller.session_id)
        key = ApiKeyRepository(session).get(caller.id)
        if key is None or key.revoked_at is not None:
            return False
        return key.expires_at is None or resources.clock() < key.expires_at


def _as_sent(record: EventRecord) -> ServerSentEvent:
    return ServerSentEvent(data=record.event, id=str(record.id))
