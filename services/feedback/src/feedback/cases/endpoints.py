"""``/internal/v1/cases``: what the gateway asks about confirmed cases."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from feedback.callers import GATEWAY, only
from feedback.cases.repository import CaseRepository
from feedback.cases.service import CaseService
from feedback.cursor import Cursor, CursorRefusedError, PageSize, decode_cursor, encode_cursor
from feedback.deps import DbSession, Objects, PolicyInForce
from ictus.contracts.cases import CasePage, CaseSummary
from ictus.http import problems

router = APIRouter(prefix="/cases", tags=["cases"], dependencies=[only(GATEWAY)])


@router.get("", summary="List a site's cases", responses=problems(CursorRefusedError))
def list_cases(site_id: UUID, session: DbSession, limit: PageSize = 50, cursor: Cursor = None) -> CasePage:
    """A page of a site's cases, newest first."""
    after = None if cursor is None else decode_cursor(cursor, (datetime, UUID))
    found = CaseRepository(session).page(site_id, after, limit + 1)
    shown = found[:limit]
    return CasePage(
        items=tuple(case.as_contract() for case in shown),
        next_cursor=encode_cursor((shown[-1].created_at, shown[-1].case_id)) if len(found) > limit else None,
    )


@router.get("/summary", summary="What waits to be learned from")
def summarise_cases(
    session: DbSession,
    objects: Objects,
    policy: PolicyInForce,
    embedding_space: Annotated[str | None, Query(max_length=128)] = None,
    learned: UUID | None = None,
) -> CaseSummary:
    """How many cases there are, and how many of them are not of the dataset that the model in use learned from."""
    CaseService(session, policy).complete_waiting(objects)
    return CaseRepository(session).summary(embedding_space, learned)
