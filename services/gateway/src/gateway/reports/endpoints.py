"""``/api/v1/studies/{study_id}/report`` and ``/api/v1/admin/next-step-rules``."""

from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Response, status
from fastapi.responses import HTMLResponse

from gateway.auth.models import Scope
from gateway.deps import (
    AuditEntry,
    Caller,
    Cipher,
    Clock,
    DbSession,
    Store,
    api_router,
    audited,
    requires,
)
from gateway.reports.errors import ReportNotReadyError, RulesChangedError
from gateway.reports.rules import NextStepRulesService
from gateway.reports.schemas import NextStepRulesDraft, NextStepRulesOut
from gateway.reports.service import draft_report
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError
from ictus.http import problems
from ictus.report import content_security_policy, render_html, render_pdf

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.REPORTS_READ)]
Admin = Annotated[Caller, requires(Role.ADMIN)]
IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of a copy at hand; 304 when it still is the report.")
]

_PDF: Final = "application/pdf"
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The copy at hand still is the report."}
}

reports = api_router("/studies", tag="reports")
rules = api_router("/admin/next-step-rules", tag="admin")


@reports.get(
    "/{study_id}/report",
    summary="Read the report",
    response_class=HTMLResponse,
    responses={**_NOT_MODIFIED, **problems(NotFoundError, ReportNotReadyError)},
)
def read_report(
    study_id: UUID,
    caller: Reader,
    session: DbSession,
    cipher: Cipher,
    store: Store,
    audit: Annotated[AuditEntry, audited("report.read", "study")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The latest answer as one self-contained page, preliminary until its review is final."""
    draft = draft_report(session, caller.site_id, study_id, cipher)
    session.commit()
    page = render_html(draft.with_pictures(store)).encode()
    headers = {"Content-Security-Policy": content_security_policy(), "X-Frame-Options": "SAMEORIGIN"}
    return _answer(page, "text/html; charset=utf-8", headers, if_none_match, audit)


@reports.get(
    "/{study_id}/report.pdf",
    summary="Read the report as PDF",
    response_class=Response,
    responses={
        200: {
            "content": {_PDF: {"schema": {"type": "string", "format": "binary"}}},
            "description": "The report, A4.",
        },
        **_NOT_MODIFIED,
        **problems(NotFoundError, ReportNotReadyError),
    },
)
def read_report_pdf(
    study_id: UUID,
    caller: Reader,
    session: DbSession,
    cipher: Cipher,
    store: Store,
    audit: Annotated[AuditEntry, audited("report.read_pdf", "study")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The latest answer as PDF. The same answer, review, labels and rules give the same bytes."""
    draft = draft_report(session, caller.site_id, study_id, cipher)
    session.commit()
    document = render_pdf(draft.with_pictures(store))
    headers = {"Content-Disposition": f'inline; filename="ictus-report-{str(study_id)[:8]}.pdf"'}
    return _answer(document, _PDF, headers, if_none_match, audit)


@rules.get(
    "",
    summary="Read the next-step rules",
    dependencies=[requires(Role.ADMIN), audited("next_step_rules.read", "next_step_rules")],
)
def read_next_step_rules(session: DbSession) -> NextStepRulesOut:
    """The rules that a report's recommended next steps come from, and their version."""
    return NextStepRulesService(session).current()


@rules.put("", summary="Change the next-step rules", responses=problems(RulesChangedError))
def put_next_step_rules(
    draft: NextStepRulesDraft,
    caller: Admin,
    session: DbSession,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("next_step_rules.change", "next_step_rules")],
) -> NextStepRulesOut:
    """Put the whole table as a new version. Reports read from now on follow it; every version is kept."""
    changed = NextStepRulesService(session).replace(draft.table, draft.based_on, caller.id, clock())
    audit.object_id = str(changed.version)
    return changed


def _answer(
    document: bytes, media_type: str, headers: dict[str, str], known: str | None, audit: AuditEntry
) -> Response:
    """The document with its digest as ETag, which the audit trail keeps too: what was shown can be proved."""
    digest = sha256(document).hexdigest()
    audit.detail["sha256"] = digest
    headers = {**headers, "ETag": f'"{digest}"'}
    if known is not None and headers["ETag"] in {one.strip() for one in known.split(",")}:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(document, media_type=media_type, headers=headers)


router = APIRouter()
router.include_router(reports)
router.include_router(rules)
