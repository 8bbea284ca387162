"""What administrators do: enter, change, remove and test the archives of their site."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.identity import IdentityCipher
from gateway.pulls.errors import SourceNotFoundError, SourceRemovedError
from gateway.pulls.models import OPEN, Pull, Source
from gateway.pulls.outcome import note_failed
from gateway.pulls.schemas import SourceDraft
from ictus.domain.ids import new_id

_DESCRIBED = frozenset(SourceDraft.model_fields) - {"secret"}


class Sources:
    """The sources of a site within ``session``'s transaction. Another site's are not found."""

    def __init__(self, session: Session, site_id: UUID, now: datetime) -> None:
        self._session = session
        self._site_id = site_id
        self._now = now

    def all(self) -> Sequence[Source]:
        """By name, in the order in which they are asked."""
        query = select(Source).where(Source.site_id == self._site_id).order_by(Source.name, Source.id)
        return self._session.scalars(query).all()

    def get(self, source_id: UUID) -> Source:
        """One source. Raises ``SourceNotFoundError``."""
        found = self._session.get(Source, source_id)
        if found is None or found.site_id != self._site_id:
            raise SourceNotFoundError
        return found

    def enter(self, draft: SourceDraft, cipher: IdentityCipher | None, by: UUID | None) -> Source:
        """Make a source. ``cipher`` seals its secret; None where it has none."""
        source = Source(id=new_id(), site_id=self._site_id, created_at=self._now, created_by=by)
        self._describe(source, draft, cipher)
        self._session.add(source)
        self._session.flush()
        return source

    def change(self, source_id: UUID, draft: SourceDraft, cipher: IdentityCipher) -> Source:
        """Describe a source anew. Raises ``SourceNotFoundError``."""
        source = self.get(source_id)
        self._describe(source, draft, cipher)
        self._session.flush()
        return source

    def delete(self, source_id: UUID) -> None:
        """Remove a source; what was still to be fetched from it has failed. Raises ``SourceNotFoundError``."""
        source = self.get(source_id)
        waiting = select(Pull).where(
            Pull.source_id == source.id, Pull.state.in_(OPEN), Pull.fetched_at.is_(None)
        )
        for pull in self._session.scalars(waiting.with_for_update()):
            note_failed(self._session, pull, SourceRemovedError(), self._now)
        self._session.flush()
        self._session.delete(source)
        self._session.flush()

    @staticmethod
    def _describe(source: Source, draft: SourceDraft, cipher: IdentityCipher | None) -> None:
        for name in _DESCRIBED:
            setattr(source, name, getattr(draft, name))
        if draft.secret is not None and cipher is not None:
            source.secret = cipher.encrypt(draft.secret)
