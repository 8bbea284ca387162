"""Changing the model in use: one at a time, on record, and back.

The registry's alias ``champion`` is what workers obey; the table of releases is how it came about. Within one
transaction everything is written first, then the alias moves, then the transaction commits: when the registry does not
answer, nothing has changed. Whoever is first holds an advisory lock until the end.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.auth.repository import UserRepository
from gateway.models.errors import (
    ChangedContentError,
    GateRefusedError,
    InUseError,
    ModelNotFoundError,
    NeverInUseError,
    NoEarlierModelError,
    NoModelError,
    NotApprovedError,
    SupersededError,
)
from gateway.models.models import Release, ReleaseKind
from gateway.models.registry import ModelRegistry
from gateway.models.versions import ReleaseOut
from gateway.rollout.models import Rollout
from gateway.rollout.repository import present_rollout
from gateway.trainings.models import Training
from gateway.trainings.repository import TrainingRepository
from ictus.domain.enums import RolloutMode, TrainingState
from ictus.domain.errors import NotFoundError

_LOCK: Final = 0x1C705_0001
"""Key of the advisory lock; any number that nothing else in this database uses."""


def present_release(session: Session) -> Release | None:
    """The latest release; None when the champion was never changed here."""
    return session.scalar(select(Release).order_by(Release.id.desc()).limit(1))


def lock_releases(session: Session) -> None:
    """Let nobody else change the model in use, or the rollout, until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def champions_before(releases: Sequence[Release], champion: str | None) -> list[str]:
    """The champions that a rollback goes back through, the nearest last.

    A promotion puts a version on top of those before it; a rollback takes off what lies above its version. So two
    rollbacks in a row go back two versions, and not to and fro.

    Args:
        releases: all of them, oldest first.
        champion: the version in use, which someone may have changed in the registry itself.
    """
    stack: list[str] = []
    for release in releases:
        if release.previous is not None and (not stack or stack[-1] != release.previous):
            _put_on_top(stack, release.previous)
        _put_on_top(stack, release.version)
    if champion in stack:
        del stack[stack.index(champion) :]
    return stack


def _put_on_top(stack: list[str], version: str) -> None:
    """Go back to a version that is below, or put a new one on top."""
    if version in stack:
        del stack[stack.index(version) + 1 :]
    else:
        stack.append(version)


class ReleaseService:
    """Changes of the model in use, within ``session``'s transaction.

    Args:
        session: committed by the caller.
        open_registry: gives the registry whose alias moves.
        now: the time of this request.
        approvals_needed: administrators who must have approved a version.
        ring: has the workers told, once the transaction has committed.
    """

    def __init__(
        self,
        session: Session,
        open_registry: Callable[[], ModelRegistry],
        now: datetime,
        approvals_needed: int,
        ring: Callable[[], None],
    ) -> None:
        self._session = session
        self._open_registry = open_registry
        self._now = now
        self._approvals_needed = approvals_needed
        self._ring = ring
        self._trainings = TrainingRepository(session)

    @property
    def registry(self) -> ModelRegistry:
        """The registry. Raises ``UnavailableError`` when none is set up."""
        return self._open_registry()

    def promote(self, version: str, by: UUID) -> Release:
        """Put a version to use that the gate let pass and that was approved.

        Raises:
            ModelNotFoundError: it is not registered.
            GateRefusedError, NotApprovedError, SupersededError, InUseError, ChangedContentError: it may not be used.
            UnavailableError: the registry does not answer.
        """
        lock_releases(self._session)
        champion = self.registry.champion()
        if champion == version:
            raise InUseError
        training = self.check_approved(version, champion)
        training.state, training.decided_at = TrainingState.PUBLISHED, self._now
        return self._release(ReleaseKind.PROMOTE, version, champion, by, None)

    def roll_back(self, to: str | None, by: UUID | None, reason: str | None) -> Release:
        """Bring back a version that was in use before; the one before the present when none is named.

        Raises:
            NoModelError: no version is in use.
            NoEarlierModelError, NeverInUseError, InUseError: there is no such way back.
            ModelNotFoundError: it is not registered any more.
            UnavailableError: the registry does not answer.
        """
        lock_releases(self._session)
        champion = self.registry.champion()
        if champion is None:
            raise NoModelError
        if to == champion:
            raise InUseError
        releases = self.history()
        if to is None:
            earlier = champions_before(releases, champion)
            if not earlier:
                raise NoEarlierModelError
            to = earlier[-1]
        elif to not in {version for one in releases for version in (one.version, one.previous)}:
            raise NeverInUseError
        return self._release(ReleaseKind.ROLLBACK, to, champion, by, reason)

    def check_approved(self, version: str, champion: str | None) -> Training:
        """The training whose candidate may answer patients' scans, locked.

        Raises:
            ModelNotFoundError, GateRefusedError, NotApprovedError, SupersededError, ChangedContentError: it may not.
        """
        try:
            registered = self.registry.describe(version)
        except NotFoundError as error:
            raise ModelNotFoundError from error
        training = self._trainings.of_candidate(version, lock=True)
        if training is None:
            raise NotApprovedError(
                "No training of this installation made this version, so no gate has judged it."
            )
        if training.state is TrainingState.REFUSED:
            raise GateRefusedError
        if training.state is TrainingState.SUPERSEDED or training.base_version != champion:
            raise SupersededError
        approvals = self._trainings.approvals_of([training.id])[training.id]
        approved = training.state in {TrainingState.AWAITING_APPROVAL, TrainingState.PUBLISHED}
        if not approved or len(approvals) < self._approvals_needed:
            raise NotApprovedError
        if registered.sha256 != training.candidate_sha256:
            raise ChangedContentError
        self.registry.manifest(version)  # refuses what is not signed with the trusted key
        return training

    def history(self) -> Sequence[Release]:
        """Every release, oldest first."""
        return self._session.scalars(select(Release).order_by(Release.id)).all()

    def page(self, before: int | None, limit: int) -> Sequence[Release]:
        """Releases, the newest first."""
        query = select(Release).order_by(Release.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Release.id < before)
        return self._session.scalars(query).all()

    def described(self, releases: Sequence[Release]) -> list[ReleaseOut]:
        """Releases as the API tells them, with the names of who made them."""
        people = {one.released_by for one in releases if one.released_by}
        names = UserRepository(self._session).names_of(people)
        return [ReleaseOut.of(one, names) for one in releases]

    def _release(
        self, kind: ReleaseKind, version: str, champion: str | None, by: UUID | None, reason: str | None
    ) -> Release:
        release = Release(
            kind=kind,
            version=version,
            previous=champion,
            released_at=self._now,
            released_by=by,
            reason=reason,
        )
        self._session.add(release)
        for training in self._trainings.lock_awaiting():
            if training.base_version != version:
                training.state, training.decided_at = TrainingState.SUPERSEDED, self._now
        rollout = present_rollout(self._session)
        if rollout is not None and rollout.mode is not RolloutMode.NONE:
            self._session.add(
                Rollout(
                    mode=RolloutMode.NONE,
                    champion=version,
                    challenger=None,
                    share=1.0,
                    set_at=self._now,
                    set_by=None,
                )
            )
        self._session.flush()
        try:
            self.registry.promote(version)
        except NotFoundError as error:
            raise ModelNotFoundError from error
        self._ring()
        return release
