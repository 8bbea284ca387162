"""Asking for a study, and following how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.auth.caller import Caller
from gateway.identity import IdentityCipher
from gateway.pulls.administration import Sources
from gateway.pulls.errors import NoSourceError, PullNotFoundError
from gateway.pulls.models import OPEN, Pull, PullState
from gateway.pulls.wanted import Wanted
from gateway.resources import Resources
from ictus.domain.enums import Priority
from ictus.domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Asked:
    """The pull of a study, and whether it is new, or newly an order: while one is open, asking again is the same one."""

    pull: Pull
    is_new: bool


class Pulls:
    """The pulls of a caller's site within ``session``'s transaction. Another site's are not found."""

    def __init__(self, session: Session, caller: Caller, resources: Resources) -> None:
        self._session = session
        self._caller = caller
        self._cipher: IdentityCipher = resources.cipher
        self._uid_key = resources.settings.uid_key.get_secret_value().encode()
        self._now = resources.clock()

    def ask(
        self,
        wanted: Wanted,
        priority: Priority,
        source_id: UUID | None = None,
        *,
        order: bool = False,
        patient_ref: UUID | None = None,
    ) -> Asked:
        """Have a study fetched. Asked again as STAT it is STAT, asked again by an order it is one.

        Raises:
            SourceNotFoundError: the site has no such source.
            NoSourceError: it has none that is switched on.
        """
        sources = Sources(self._session, self._caller.site_id, self._now)
        usable = [sources.get(source_id)] if source_id is not None else sources.all()
        if not any(source.enabled for source in usable):
            raise NoSourceError
        reference = wanted.reference(self._uid_key, self._caller.site_id)
        fresh = (
            insert(Pull)
            .values(
                id=new_id(),
                site_id=self._caller.site_id,
                source_id=source_id,
                wanted=wanted.seal(self._cipher),
                wanted_ref=reference,
                priority=priority,
                is_order=order,
                patient_ref=patient_ref,
                requested_kind=self._caller.kind,
                requested_by=self._caller.id,
                created_at=self._now,
                updated_at=self._now,
                state=PullState.QUEUED,
                attempts=0,
                fence=0,
                next_attempt_at=self._now,
                instances=0,
            )
            .on_conflict_do_nothing(
                index_elements=[Pull.site_id, Pull.wanted_ref], index_where=Pull.state.in_(OPEN)
            )
            .returning(Pull.id)
        )
        made = self._session.scalar(fresh)
        pull = self._session.scalar(
            select(Pull)
            .where(Pull.site_id == self._caller.site_id, Pull.wanted_ref == reference, Pull.state.in_(OPEN))
            .with_for_update()
        )
        if pull is None:  # it has ended in this very moment
            return self.ask(wanted, priority, source_id, order=order, patient_ref=patient_ref)
        is_new = made is not None or (order and not pull.is_order)
        if priority is Priority.STAT:
            pull.priority = Priority.STAT
        pull.is_order |= order
        pull.patient_ref = pull.patient_ref or patient_ref
        self._session.flush()
        return Asked(pull, is_new=is_new)

    def get(self, pull_id: UUID) -> Pull:
        """One pull. Raises ``PullNotFoundError``."""
        pull = self._session.get(Pull, pull_id)
        if pull is None or pull.site_id != self._caller.site_id:
            raise PullNotFoundError
        return pull

    def page(
        self, states: Sequence[PullState], before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Pull]:
        """The newest first."""
        query = (
            select(Pull)
            .where(Pull.site_id == self._caller.site_id)
            .order_by(Pull.created_at.desc(), Pull.id.desc())
            .limit(limit)
        )
        if states:
            query = query.where(Pull.state.in_(states))
        if before is not None:
            query = query.where(tuple_(Pull.created_at, Pull.id) < before)
        return self._session.scalars(query).all()
