"""The audit trail, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from gateway.audit.models import Outcome
from gateway.audit.repository import AuditFilter, AuditRepository
from gateway.audit.schemas import AuditEventOut
from gateway.cursor import CursorError, decode_cursor, encode_cursor
from gateway.deps import DbSession, api_router, audited, requires
from gateway.paging import Cursor, Page, PageSize
from ictus.domain.enums import Role
from ictus.http import problems

router = api_router("/admin/audit", tag="admin")

Word = Annotated[str | None, Query(max_length=64)]


@router.get(
    "",
    summary="Read the audit trail",
    dependencies=[requires(Role.ADMIN), audited("audit.list", "audit")],
    responses=problems(CursorError),
)
def list_audit_events(
    session: DbSession,
    actor_id: UUID | None = None,
    site_id: UUID | None = None,
    action: Word = None,
    object_type: Word = None,
    object_id: Word = None,
    outcome: Outcome | None = None,
    request_id: Word = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[AuditEventOut]:
    """Newest first. Reading it is audited too."""
    wanted = AuditFilter(actor_id, site_id, action, object_type, object_id, outcome, request_id, since, until)
    before = None if cursor is None else _row_of(cursor)
    rows = AuditRepository(session).page(wanted, before, limit + 1)
    items = [
        AuditEventOut.model_validate(event).model_copy(update={"actor_name": name})
        for event, name in rows[:limit]
    ]
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if len(rows) > limit else None)


def _row_of(cursor: str) -> int:
    (row,) = decode_cursor(cursor, 1)
    if not row.isdecimal():
        raise CursorError
    return int(row)
