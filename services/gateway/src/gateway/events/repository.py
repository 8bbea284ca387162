"""The SQL of events."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.events.models import EventRow
from gateway.events.schemas import EventRecord, StudyEvent


class EventRepository:
    """Events within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def latest_id(self) -> int:
        """The id of the latest event, 0 when there is none."""
        return self._session.scalar(select(func.max(EventRow.id))) or 0

    def after(
        self,
        event_id: int,
        *,
        site_id: UUID | None = None,
        study_id: UUID | None = None,
        limit: int | None = None,
    ) -> Iterator[EventRecord]:
        """Events behind ``event_id``, oldest first: of everything, of a site or of a study."""
        query = select(EventRow).where(EventRow.id > event_id).order_by(EventRow.id).limit(limit)
        if site_id is not None:
            query = query.where(EventRow.site_id == site_id)
        if study_id is not None:
            query = query.where(EventRow.study_id == study_id)
        for row in self._session.scalars(query):
            yield EventRecord(id=row.id, site_id=row.site_id, event=StudyEvent.model_validate(row.body))
