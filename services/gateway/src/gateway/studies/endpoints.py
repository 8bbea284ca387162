"""``/api/v1/studies`` and ``/api/v1/admin/held-studies``."""

import asyncio
import contextvars
import gzip
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from starlette.concurrency import run_in_threadpool

from gateway.audit.trail import AuditEntry, audited
from gateway.auth.caller import Caller
from gateway.auth.models import Scope
from gateway.cursor import CursorError, time_cursor, time_position
from gateway.deps import Cipher, Clock, DbSession, Resources, Settings, Store, api_router, requires
from gateway.jobs.deps import Jobs
from gateway.jobs.errors import AnalysisOpenError, JobEndedError, QueueFullError
from gateway.jobs.policy import JobPolicy
from gateway.jobs.schemas import AnalysisRequest, JobDetail
from gateway.paging import Cursor, Page, PageSize
from gateway.studies.acceptance import StudyAcceptance
from gateway.studies.erasure import StudyErasure
from gateway.studies.errors import (
    NoFilesError,
    OverlayMissingError,
    StudyHeldError,
    StudyNotHeldError,
    UploadMalformedError,
    UploadStalledError,
    WorkSpaceFullError,
)
from gateway.studies.held import HeldStudies
from gateway.studies.models import ErasureReason
from gateway.studies.pictures import Picture, PictureIndex
from gateway.studies.schemas import Erasure, StudyDetail, StudySearch, StudySummary, WorklistQuery
from gateway.studies.service import StudyService
from gateway.studies.upload import ReceivedUpload, receive_upload
from gateway.triage.service import Triage
from ictus.domain.enums import Modality, Priority, Role
from ictus.domain.errors import IntakeError, NotFoundError, TooLargeError
from ictus.http import problems

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_READ)]
Writer = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_WRITE)]
Admin = Annotated[Caller, requires(Role.ADMIN)]

studies = api_router("/studies", tag="studies")
held_studies = api_router("/admin/held-studies", tag="admin")
erasures = api_router("/admin/erasures", tag="admin")

_COMPRESSIBLE_BYTES: Final = 1024

_UPLOAD_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "DICOM, NIfTI, PNG or JPEG files, or zips of them; told apart by content.",
                        },
                        "modality": {
                            "type": "string",
                            "enum": [one.value for one in Modality],
                            "description": "Of pictures, which have no header. Recognised from the image when absent.",
                        },
                        "priority": {
                            "type": "string",
                            "enum": [one.value for one in Priority],
                            "default": Priority.ROUTINE.value,
                        },
                    },
                }
            }
        },
    }
}


async def _receive(
    request: Request, _caller: Writer, session: DbSession, settings: Settings, jobs: Jobs
) -> AsyncIterator[ReceivedUpload]:
    """Check the caller and the queue, let go of the database, then read the body."""
    await run_in_threadpool(jobs.refuse_when_full)
    await run_in_threadpool(session.commit)
    async with receive_upload(
        request,
        within=settings.work_dir,
        max_bytes=settings.max_upload_mb * 2**20,
        max_files=settings.max_upload_files,
        stall_seconds=settings.upload_stall_seconds,
    ) as upload:
        yield upload


def _studies(caller: Caller, session: DbSession, cipher: Cipher) -> StudyService:
    return StudyService(session, caller.site_id, cipher)


def _erasure(caller: Caller, session: DbSession, clock: Clock, settings: Settings) -> StudyErasure:
    return StudyErasure(session, caller.site_id, clock(), JobPolicy.of(settings).zombie_after)


@studies.post(
    "",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=_UPLOAD_FORM,
    responses={
        200: {
            "model": StudyDetail,
            "description": "These bytes are there already: their study. Sent again as STAT it is STAT from now on.",
        },
        **problems(
            UploadMalformedError,
            UploadStalledError,
            NoFilesError,
            IntakeError,
            TooLargeError,
            QueueFullError,
            WorkSpaceFullError,
        ),
    },
)
async def upload_study(
    upload: Annotated[ReceivedUpload, Depends(_receive, scope="function")],
    response: Response,
    caller: Writer,
    session: DbSession,
    resources: Resources,
    jobs: Jobs,
    audit: Annotated[AuditEntry, audited("study.upload", "study")],
) -> StudyDetail:
    """Take a scan: one study in one or many files. It is analysed at once unless it must be held."""

    def take() -> StudyDetail:
        accepted = StudyAcceptance.of(resources, session, jobs).accept(upload, caller.site_id, caller.id)
        audit.object_id = accepted.study.id
        audit.detail["created"] = accepted.created
        if accepted.priority_raised:
            audit.detail["priority_raised"] = True
        if not accepted.created:
            response.status_code = status.HTTP_200_OK
        return _studies(caller, session, resources.cipher).detail(accepted.study)

    # In threads of their own: however many uploads wait for intake, other requests go on.
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(resources.intakes, context.run, take)


@studies.get("", dependencies=[audited("study.list", "study")])
def list_studies(
    caller: Reader,
    session: DbSession,
    cipher: Cipher,
    query: Annotated[WorklistQuery, Query()],
) -> Page[StudySummary]:
    """The worklist of the caller's site, page by page."""
    return _studies(caller, session, cipher).worklist(query)


@studies.post("/search", dependencies=[audited("study.search", "study")], responses=problems(CursorError))
def search_studies(
    caller: Reader, session: DbSession, cipher: Cipher, search: StudySearch
) -> Page[StudySummary]:
    """The worklist, of which only what fits the text is given. Nothing is kept of the text.

    It is a POST because a patient's name must not stand in an address, which proxies and browsers write down. A
    page may hold fewer studies than asked for, even none, and still name a next one.
    """
    return _studies(caller, session, cipher).search(search)


@studies.get("/{study_id}", responses=problems(NotFoundError), dependencies=[audited("study.read", "study")])
def read_study(
    study_id: UUID, caller: Reader, session: DbSession, cipher: Cipher, clock: Clock
) -> StudyDetail:
    """A study with its patient, series, latest job and latest result. An alert about it counts as seen from then on."""
    service = _studies(caller, session, cipher)
    study = service.get(study_id)
    if caller.session_id is not None:
        Triage(session, caller.site_id, clock()).note_seen(study_id, caller.id)
    return service.detail(study)


@studies.delete(
    "/{study_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFoundError),
)
def erase_study(
    study_id: UUID,
    reason: Annotated[ErasureReason, Query(description="Kept with the tombstone and in the audit trail.")],
    caller: Admin,
    session: DbSession,
    clock: Clock,
    settings: Settings,
    audit: Annotated[AuditEntry, audited("study.erase", "study")],
) -> None:
    """Erase a study for good: identity, images, answers, reviews, and what was learned from as a case.

    Rows are gone at once; images and the feedback service's part follow within seconds, or as soon as those services
    answer again (`GET /admin/erasures` says how far it is). The same scan sent again is a new study.
    """
    audit.detail["reason"] = reason
    _erasure(caller, session, clock, settings).erase(study_id, reason, caller.id)


@studies.post(
    "/{study_id}/analyses",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFoundError, AnalysisOpenError, StudyHeldError, QueueFullError),
    dependencies=[audited("study.analyse", "study")],
)
def analyse_study(
    study_id: UUID, wish: AnalysisRequest, caller: Writer, session: DbSession, cipher: Cipher, jobs: Jobs
) -> JobDetail:
    """Analyse a study again. The old answer stays until the new one is there."""
    jobs.refuse_when_full()
    job = _studies(caller, session, cipher).analyse_again(study_id, wish, jobs, caller.id)
    return JobDetail.model_validate(job)


@studies.post(
    "/{study_id}/analyses/cancel",
    responses=problems(NotFoundError, JobEndedError),
    dependencies=[audited("study.cancel", "study")],
)
def cancel_analysis(
    study_id: UUID, caller: Writer, session: DbSession, cipher: Cipher, jobs: Jobs
) -> JobDetail:
    """Cancel the study's analysis: at once while it waits, at the worker's next heartbeat while it runs."""
    return JobDetail.model_validate(_studies(caller, session, cipher).cancel_analysis(study_id, jobs))


@studies.get(
    "/{study_id}/series/{series_id}/slices/{index}",
    response_class=Response,
    responses={
        200: {
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            "description": "`rows * columns` little-endian values of the series' `dtype`, row by row.",
        },
        **problems(NotFoundError),
    },
    dependencies=[audited("study.read_slice", "study")],
)
def read_slice(
    study_id: UUID,
    series_id: UUID,
    index: int,
    caller: Reader,
    session: DbSession,
    store: Store,
    if_none_match: Annotated[str | None, Header()] = None,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """One slice's voxels."""
    picture = PictureIndex(session, caller.site_id).voxels(study_id, series_id, index)
    return _answer(
        picture, store, if_none_match, "application/octet-stream", compress="gzip" in accept_encoding
    )


@studies.get(
    "/{study_id}/series/{series_id}/slices/{index}/overlay",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The heatmap with alpha, as large as the slice.",
        },
        **problems(NotFoundError, OverlayMissingError),
    },
    dependencies=[audited("study.read_overlay", "study")],
)
def read_overlay(
    study_id: UUID,
    series_id: UUID,
    index: int,
    caller: Reader,
    session: DbSession,
    store: Store,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Where the model looked on one slice, by the latest answer."""
    picture = PictureIndex(session, caller.site_id).overlay(study_id, series_id, index)
    return _answer(picture, store, if_none_match, "image/png", compress=False)


@held_studies.get("", dependencies=[audited("held_study.list", "study")])
def list_held_studies(
    caller: Admin, session: DbSession, cipher: Cipher, limit: PageSize = 100
) -> list[StudySummary]:
    """Studies that wait for an admin's look, the longest held first."""
    service = _studies(caller, session, cipher)
    return [service.summary(study) for study in HeldStudies(session, caller.site_id).all(limit)]


@held_studies.post(
    "/{study_id}/release",
    responses=problems(NotFoundError, StudyNotHeldError),
    dependencies=[audited("held_study.release", "study")],
)
def release_held_study(
    study_id: UUID, caller: Admin, session: DbSession, cipher: Cipher, jobs: Jobs
) -> StudyDetail:
    """Let a held study be analysed: its pictures show nobody's name."""
    study = HeldStudies(session, caller.site_id).release(study_id, jobs, caller.id)
    return _studies(caller, session, cipher).detail(study)


@held_studies.post(
    "/{study_id}/reject",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFoundError, StudyNotHeldError),
    dependencies=[audited("held_study.reject", "study")],
)
def reject_held_study(
    study_id: UUID, caller: Admin, session: DbSession, clock: Clock, settings: Settings
) -> None:
    """Erase a held study with its objects; a tombstone stays."""
    erasure = _erasure(caller, session, clock, settings)
    HeldStudies(session, caller.site_id).reject(study_id, erasure, caller.id)


@erasures.get("", dependencies=[audited("erasure.list", "study")], responses=problems(CursorError))
def list_erasures(
    caller: Admin,
    session: DbSession,
    clock: Clock,
    settings: Settings,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[Erasure]:
    """The site's erased studies, the latest first: who erased them and why, and whether it is done everywhere."""
    before = None if cursor is None else time_position(cursor)
    found = _erasure(caller, session, clock, settings).page(before, limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return Page(
        items=shown, next_cursor=time_cursor(shown[-1].erased_at, shown[-1].study_id) if more else None
    )


def _answer(
    picture: Picture, store: Store, known: str | None, media_type: str, *, compress: bool
) -> Response:
    headers = {"ETag": picture.etag, "Vary": "Accept-Encoding"}
    if known == picture.etag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    content = picture.read(store)
    if compress and len(content) >= _COMPRESSIBLE_BYTES:
        content = gzip.compress(content, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=media_type, headers=headers)


router = APIRouter()
router.include_router(studies)
router.include_router(held_studies)
router.include_router(erasures)
