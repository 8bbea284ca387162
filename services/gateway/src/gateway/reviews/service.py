"""The review queue of a site: the feedback service's order, with the studies' labels."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from gateway.cursor import CursorError
from gateway.identity import IdentityCipher
from gateway.paging import Page
from gateway.reviews.schemas import ReviewOut
from gateway.studies.models import Study
from gateway.studies.service import StudyService
from ictus.contracts.reviews import ReviewItemPage
from ictus.domain.errors import UnavailableError
from ictus.http import RemoteError, ServiceClient


def fetch_queue(feedback: ServiceClient, site_id: UUID, cursor: str | None, limit: int) -> ReviewItemPage:
    """Ask the feedback service for a page of a site's open items.

    Raises:
        UnavailableError: the feedback service does not answer.
        CursorError: it did not give out this cursor.
    """
    params = {"site_id": str(site_id), "state": "open", "limit": str(limit)}
    if cursor is not None:
        params["cursor"] = cursor
    try:
        page = feedback.call("GET", "/internal/v1/review-items", ReviewItemPage, params=params)
    except RemoteError as error:
        if error.remote_code == "cursor_refused":
            raise CursorError from error
        raise UnavailableError from error
    if page is None:
        raise UnavailableError
    return page


def with_studies(
    session: Session, site_id: UUID, cipher: IdentityCipher, page: ReviewItemPage
) -> Page[ReviewOut]:
    """Join the items with their studies; an item whose study was erased meanwhile is left out."""
    ids = {item.study_id for item in page.items}
    query = (
        select(Study).where(Study.site_id == site_id, Study.id.in_(ids)).options(selectinload(Study.identity))
    )
    studies = StudyService(session, site_id, cipher)
    summaries = {study.id: studies.summary(study) for study in session.scalars(query)}
    items = [
        ReviewOut(
            study=summaries[item.study_id],
            **item.model_dump(include=ReviewOut.model_fields.keys() - {"study"}),
        )
        for item in page.items
        if item.study_id in summaries
    ]
    return Page(items=items, next_cursor=page.next_cursor)
