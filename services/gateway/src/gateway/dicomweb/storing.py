"""Storing (STOW-RS, PS3.18 10.5): instances go to the spool; their study is read when it is complete."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from gateway.audit.trail import AuditEntry
from gateway.auth.caller import Caller
from gateway.auth.models import Scope
from gateway.deps import DbSession, Resources, Settings, api_router, audited, requires
from gateway.dicomweb.attributes import Address, element
from gateway.dicomweb.deps import PREFIX, STUDY, Uid, address_below
from gateway.dicomweb.errors import MediaTypeRefusedError
from gateway.dicomweb.media import DICOM_JSON
from gateway.dicomweb.related import RelatedReader
from gateway.dimse.heads import Failure, Head, HeadRefusedError, read_head
from gateway.dimse.spool import Sender, Spool
from gateway.jobs.deps import Jobs
from gateway.jobs.errors import QueueFullError
from gateway.studies.errors import (
    NoFilesError,
    UploadMalformedError,
    UploadStalledError,
    WorkSpaceFullError,
)
from gateway.studies.upload import receive_parts
from ictus.domain.enums import Role
from ictus.domain.errors import TooLargeError
from ictus.http import problems
from ictus.imaging.stored import DicomJson

Writer = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_WRITE)]

router: APIRouter = api_router(PREFIX, tag="dicomweb")

_PART_OVERHEAD: Final = 1024
_ANSWER: Final[dict[str, Any]] = {"content": {DICOM_JSON: {"schema": {"type": "object"}}}}
_STORE: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {
        200: {"description": "All of it is received.", **_ANSWER},
        202: {
            "description": "Some of it is received; `FailedSOPSequence` says what is not, and why.",
            **_ANSWER,
        },
        409: {"description": "Nothing of it is kept; `FailedSOPSequence` says why.", **_ANSWER},
        **problems(
            UploadMalformedError,
            MediaTypeRefusedError,
            UploadStalledError,
            NoFilesError,
            TooLargeError,
            QueueFullError,
            WorkSpaceFullError,
        ),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"multipart/related": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
}


async def _receive(
    request: Request, _caller: Writer, session: DbSession, settings: Settings, jobs: Jobs
) -> AsyncIterator[tuple[Path, ...]]:
    """Check the caller and the queue, let go of the database, then read the body."""
    await run_in_threadpool(jobs.refuse_when_full)
    await run_in_threadpool(session.commit)
    max_bytes, max_files = settings.max_upload_mb * 2**20, settings.max_upload_files

    def read(content_type: str, folder: Path) -> RelatedReader:
        return RelatedReader(content_type, folder, max_bytes, max_files)

    async with receive_parts(
        request,
        read,
        within=settings.work_dir,
        max_bytes=max_bytes + max_files * _PART_OVERHEAD,
        stall_seconds=settings.upload_stall_seconds,
    ) as body:
        yield body.files()


Files = Annotated[tuple[Path, ...], Depends(_receive, scope="function")]
Audit = Annotated[AuditEntry, audited("dicomweb.store", "study")]


@router.post("/studies", **_STORE)
async def store_dicom_instances(
    files: Files, request: Request, caller: Writer, resources: Resources, audit: Audit
) -> Response:
    """Store instances of any studies.

    They are on disk when the answer comes. A study is read, de-identified and analysed when nothing of it has come for
    a settable time, and can be found and retrieved from then on.
    """
    return await _store(files, None, request, caller, resources, audit)


@router.post(STUDY, **_STORE)
async def store_dicom_instances_of_study(
    study_uid: Uid, files: Files, request: Request, caller: Writer, resources: Resources, audit: Audit
) -> Response:
    """Store instances of one study; those of others are refused."""
    return await _store(files, study_uid, request, caller, resources, audit)


async def _store(
    files: tuple[Path, ...],
    study_uid: str | None,
    request: Request,
    caller: Caller,
    resources: Resources,
    audit: AuditEntry,
) -> Response:
    sender = Sender(caller.kind, caller.id, caller.site_id)
    address = address_below(request, resources.settings)

    def keep() -> Response:
        return _kept(files, study_uid, Spool(resources), sender, address, audit)

    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(resources.intakes, context.run, keep)


def _kept(
    files: tuple[Path, ...],
    study_uid: str | None,
    spool: Spool,
    sender: Sender,
    address: Address,
    audit: AuditEntry,
) -> Response:
    stored: list[DicomJson] = []
    failed: list[DicomJson] = []
    for file in files:
        try:
            spool.refuse_when_full()
            head = _head_of(file, study_uid)
            kept = spool.keep(file, head, sender)
        except HeadRefusedError as error:
            failed.append({**_referenced(error.head), **dict((element("FailureReason", int(error.reason)),))})
        else:
            where = element("RetrieveURL", address(kept.study_uid, kept.series_uid, kept.sop_uid))
            stored.append({**_referenced(head), **dict((where,))})
    audit.detail |= {"stored": len(stored), "failed": len(failed)}
    answer = dict(
        element(keyword, *items)
        for keyword, items in (("FailedSOPSequence", failed), ("ReferencedSOPSequence", stored))
        if items
    )
    code = status.HTTP_200_OK
    if failed:
        code = status.HTTP_202_ACCEPTED if stored else status.HTTP_409_CONFLICT
    return JSONResponse(answer, status_code=code, media_type=DICOM_JSON)


def _head_of(file: Path, study_uid: str | None) -> Head:
    head = read_head(file)
    if study_uid not in {None, head.study_instance_uid}:
        raise HeadRefusedError(Failure.MISMATCH, head)
    return head


def _referenced(head: Head | None) -> DicomJson:
    if head is None:
        return {}
    return dict(
        (
            element("ReferencedSOPClassUID", head.sop_class_uid),
            element("ReferencedSOPInstanceUID", head.sop_instance_uid),
        )
    )
