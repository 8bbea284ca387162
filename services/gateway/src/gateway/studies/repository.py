"""The SQL of studies. Every read is scoped to a site: another site's study is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, selectinload

from gateway.studies.models import ObjectRemoval, Series, Study, StudyState
from gateway.studies.schemas import WorklistOrder, WorklistQuery


@dataclass(frozen=True, slots=True)
class WorklistPosition:
    """The sort key of a study, from which the next page goes on."""

    urgency: int
    received_at: datetime
    id: UUID

    @classmethod
    def of(cls, study: Study) -> Self:
        """Where a study stands."""
        return cls(study.urgency, study.received_at, study.id)


class StudyRepository:
    """Studies within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_content(self, site_id: UUID, content_sha256: bytes) -> Study | None:
        """The site's study of these very bytes."""
        return self._session.scalar(
            select(Study).where(Study.site_id == site_id, Study.content_sha256 == content_sha256)
        )

    def get(self, site_id: UUID, study_id: UUID, *, lock: bool = False) -> Study | None:
        """A study of the site; ``lock`` keeps it from changing until the transaction ends."""
        query = select(Study).where(Study.id == study_id, Study.site_id == site_id)
        if lock:
            query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
        return self._session.scalar(query)

    def series(self, site_id: UUID, study_id: UUID, series_id: UUID) -> Series | None:
        """A series of a study of the site."""
        return self._session.scalar(
            select(Series)
            .join(Study, Study.id == Series.study_id)
            .where(Series.id == series_id, Study.id == study_id, Study.site_id == site_id)
        )

    def worklist(
        self,
        site_id: UUID,
        wanted: WorklistQuery,
        after: WorklistPosition | None,
        limit: int,
    ) -> Sequence[Study]:
        """A page of the worklist, read from an index in its order."""
        query = (
            select(Study).where(Study.site_id == site_id).options(selectinload(Study.identity)).limit(limit)
        )
        if wanted.state:
            query = query.where(Study.state.in_(wanted.state))
        if wanted.disposition:
            query = query.where(Study.disposition.in_(wanted.disposition))
        if wanted.modality:
            query = query.where(Study.modality.in_(wanted.modality))
        if wanted.priority:
            query = query.where(Study.priority.in_(wanted.priority))
        if wanted.received_after is not None:
            query = query.where(Study.received_at >= wanted.received_after)
        newest_first = (Study.received_at.desc(), Study.id.desc())
        if wanted.sort is WorklistOrder.URGENCY:
            query = query.order_by(Study.urgency, *newest_first)
        else:
            query = query.order_by(*newest_first)
        if after is None:
            return self._session.scalars(query).all()
        older = tuple_(Study.received_at, Study.id) < (after.received_at, after.id)
        if wanted.sort is not WorklistOrder.URGENCY:
            return self._session.scalars(query.where(older)).all()
        # Asked one after the other, each begins in the index where it goes on; together they would not.
        page = self._session.scalars(query.where(Study.urgency == after.urgency, older)).all()
        if len(page) == limit:
            return page
        rest = query.where(Study.urgency > after.urgency).limit(limit - len(page))
        return [*page, *self._session.scalars(rest)]

    def held(self, site_id: UUID, limit: int) -> Sequence[Study]:
        """Held studies of the site, the longest held first."""
        return self._session.scalars(
            select(Study)
            .where(Study.site_id == site_id, Study.state == StudyState.HELD)
            .order_by(Study.received_at, Study.id)
            .options(selectinload(Study.identity))
            .limit(limit)
        ).all()

    def add(self, study: Study) -> None:
        """Insert; the same bytes at the same site raise IntegrityError (``uq_studies_site_content``)."""
        self._session.add(study)
        self._session.flush()

    def note_removal(self, prefix: str, remove_after: datetime) -> None:
        """Have a prefix of the object store emptied some day."""
        self._session.merge(ObjectRemoval(prefix=prefix, remove_after=remove_after))

    def keep_objects(self, prefix: str) -> bool:
        """Withdraw the note; False when the objects are gone already."""
        note = self._session.get(ObjectRemoval, prefix, with_for_update=True)
        if note is None:
            return False
        self._session.delete(note)
        return True
