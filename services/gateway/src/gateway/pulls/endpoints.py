"""``/api/v1/studies/pull``, ``/api/v1/studies/pulls`` and ``/api/v1/admin/sources``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from gateway.auth.models import Scope
from gateway.cursor import CursorError, time_cursor, time_position
from gateway.deps import (
    AuditEntry,
    Caller,
    Cipher,
    Clock,
    DbSession,
    Queue,
    Resources,
    Settings,
    api_router,
    audited,
    requires,
)
from gateway.jobs.deps import Jobs
from gateway.jobs.errors import QueueFullError
from gateway.paging import Cursor, Page, PageSize
from gateway.pulls.administration import Sources
from gateway.pulls.errors import NoSourceError, PullNotFoundError, SourceNotFoundError
from gateway.pulls.models import PullState
from gateway.pulls.runner import PullPolicy
from gateway.pulls.schemas import PullOut, PullRequest, SourceDraft, SourceOut, SourceTest
from gateway.pulls.service import Pulls
from gateway.pulls.sources import archive_of
from gateway.pulls.tasks import ring_after_commit
from ictus.domain.enums import Role
from ictus.domain.errors import IctusError
from ictus.http import problems

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_READ)]
Writer = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_WRITE)]
Admin = Annotated[Caller, requires(Role.ADMIN)]

pulls = api_router("/studies", tag="studies")
sources = api_router("/admin/sources", tag="admin")


@pulls.post(
    "/pull",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Fetch a study from an archive",
    responses=problems(SourceNotFoundError, NoSourceError, QueueFullError),
)
def pull_study(
    wish: PullRequest,
    caller: Writer,
    session: DbSession,
    resources: Resources,
    jobs: Jobs,
    queue: Queue,
    audit: Annotated[AuditEntry, audited("pull.request", "pull")],
) -> PullOut:
    """Have the CT and MR series of a study fetched, and the study analysed as if it had been sent here.

    Follow it at `/studies/pulls/{id}`. While it is open, asking for the same study again is the same pull; a study that is
    here already stays the study that it is.
    """
    jobs.refuse_when_full()
    asked = Pulls(session, caller, resources).ask(wish.wanted, wish.priority, wish.source_id)
    audit.object_id = asked.pull.id
    audit.detail["created"] = asked.is_new
    ring_after_commit(session, queue)
    return PullOut.of(asked.pull, resources.cipher)


@pulls.get(
    "/pulls",
    summary="List the pulls",
    dependencies=[audited("pull.list", "pull")],
    responses=problems(CursorError),
)
def list_pulls(
    caller: Reader,
    session: DbSession,
    resources: Resources,
    state: Annotated[list[PullState] | None, Query()] = None,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[PullOut]:
    """Studies that the site asked archives for in the last 30 days, the newest first."""
    before = None if cursor is None else time_position(cursor)
    rows = Pulls(session, caller, resources).page(state or (), before, limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[PullOut.of(one, resources.cipher) for one in shown],
        next_cursor=time_cursor(shown[-1].created_at, shown[-1].id) if more else None,
    )


@pulls.get(
    "/pulls/{pull_id}",
    summary="Read a pull",
    dependencies=[audited("pull.read", "pull")],
    responses=problems(PullNotFoundError),
)
def read_pull(pull_id: UUID, caller: Reader, session: DbSession, resources: Resources) -> PullOut:
    """How far it is, and the study that it became or why not."""
    return PullOut.of(Pulls(session, caller, resources).get(pull_id), resources.cipher)


@sources.get("", summary="List the sources", dependencies=[audited("source.list", "source")])
def list_sources(caller: Admin, session: DbSession, clock: Clock) -> list[SourceOut]:
    """The archives that the site's studies can be fetched from, in the order in which they are asked."""
    return [SourceOut.of(one) for one in Sources(session, caller.site_id, clock()).all()]


@sources.post("", status_code=status.HTTP_201_CREATED, summary="Enter a source")
def create_source(
    draft: SourceDraft,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("source.create", "source")],
) -> SourceOut:
    """An archive that is asked for studies from now on. Patients' numbers go there."""
    source = Sources(session, caller.site_id, clock()).enter(draft, cipher, caller.id)
    audit.object_id = source.id
    audit.detail.update(kind=draft.kind, host=draft.computer, port=draft.port)
    return SourceOut.of(source)


@sources.put("/{source_id}", summary="Change a source", responses=problems(SourceNotFoundError))
def change_source(
    source_id: UUID,
    draft: SourceDraft,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("source.change", "source")],
) -> SourceOut:
    """Describe it anew, for every attempt from now on."""
    audit.detail.update(kind=draft.kind, host=draft.computer, port=draft.port)
    return SourceOut.of(Sources(session, caller.site_id, clock()).change(source_id, draft, cipher))


@sources.delete(
    "/{source_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a source",
    dependencies=[audited("source.delete", "source")],
    responses=problems(SourceNotFoundError),
)
def delete_source(source_id: UUID, caller: Admin, session: DbSession, clock: Clock) -> None:
    """What was still to be fetched from it has failed."""
    Sources(session, caller.site_id, clock()).delete(source_id)


@sources.post("/{source_id}/test", summary="Test a source", responses=problems(SourceNotFoundError))
def check_source(
    source_id: UUID,
    caller: Admin,
    session: DbSession,
    cipher: Cipher,
    clock: Clock,
    settings: Settings,
    audit: Annotated[AuditEntry, audited("source.test", "source")],
) -> SourceTest:
    """C-ECHO, or a search for any one study."""
    source = Sources(session, caller.site_id, clock()).get(source_id)
    archive = archive_of(source, cipher, PullPolicy.of(settings).patience)
    session.commit()
    try:
        outcome = SourceTest(reached=True, detail=archive.test())
    except IctusError as error:
        outcome = SourceTest(reached=False, detail=error.detail)
    audit.detail.update(reached=outcome.reached)
    return outcome


router = APIRouter()
router.include_router(pulls)
router.include_router(sources)
