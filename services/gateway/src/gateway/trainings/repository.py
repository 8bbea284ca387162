"""The SQL of trainings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gateway.trainings.models import MethodReport, Training, TrainingApproval, TrainingAttempt
from ictus.domain.enums import TrainingState

_OPEN: Final = (TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.CANCELLING)
_LEASED: Final = (TrainingState.RUNNING, TrainingState.CANCELLING)


class TrainingRepository:
    """Trainings within one transaction. Rows that will change are locked as they are read."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, training: Training) -> None:
        """Insert; a second open one raises IntegrityError (``uq_trainings_open``)."""
        self._session.add(training)
        self._session.flush()

    def methods(self) -> Sequence[MethodReport]:
        """What the trainer said of ways of learning."""
        return self._session.scalars(select(MethodReport)).all()

    def note_method(self, report: MethodReport) -> None:
        """Replace what was said of a way of learning."""
        self._session.merge(report)

    def get(self, training_id: UUID) -> Training | None:
        """The training."""
        return self._session.get(Training, training_id)

    def lock(self, training_id: UUID) -> Training | None:
        """The training, locked until the transaction ends."""
        return self._session.get(Training, training_id, with_for_update=True, populate_existing=True)

    def lock_queued(self, now: datetime) -> Training | None:
        """The training that a trainer may take now."""
        return self._session.scalar(
            select(Training)
            .where(Training.state == TrainingState.QUEUED, Training.not_before <= now)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

    def lock_expired(self, now: datetime) -> Training | None:
        """A training whose trainer's lease ran out."""
        return self._session.scalar(
            select(Training)
            .where(Training.state.in_(_LEASED), Training.lease_expires_at < now)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

    def lock_awaiting(self) -> Sequence[Training]:
        """Every training whose candidate waits for approval."""
        return self._session.scalars(
            select(Training)
            .where(Training.state == TrainingState.AWAITING_APPROVAL)
            .order_by(Training.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()

    def queued_id(self, now: datetime) -> UUID | None:
        """The training that a claim would find now."""
        return self._session.scalar(
            select(Training.id).where(Training.state == TrainingState.QUEUED, Training.not_before <= now)
        )

    def is_any_open(self) -> bool:
        """Whether a training waits or runs."""
        return self._session.scalar(select(Training.id).where(Training.state.in_(_OPEN)).limit(1)) is not None

    def latest(self, *states: TrainingState) -> Training | None:
        """The training that was asked for last, of those in one of the states when any are given."""
        query = select(Training).order_by(Training.requested_at.desc(), Training.id.desc()).limit(1)
        if states:
            query = query.where(Training.state.in_(states))
        return self._session.scalar(query)

    def of_candidate(self, version: str, *, lock: bool = False) -> Training | None:
        """The training that made a version."""
        query = select(Training).where(Training.candidate_version == version)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return self._session.scalar(query)

    def of_candidates(self, versions: Sequence[str]) -> dict[str, Training]:
        """Trainings by the version that they made."""
        query = select(Training).where(Training.candidate_version.in_(versions))
        return {training.candidate_version: training for training in self._session.scalars(query)}

    def page(self, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Training]:
        """Trainings, the newest first."""
        query = select(Training).order_by(Training.requested_at.desc(), Training.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tuple_(Training.requested_at, Training.id) < before)
        return self._session.scalars(query).all()

    def attempt(self, training_id: UUID, fence: int) -> TrainingAttempt | None:
        """One claim of a training."""
        return self._session.get(TrainingAttempt, (training_id, fence))

    def add_attempt(self, attempt: TrainingAttempt) -> None:
        """Insert a claim."""
        self._session.add(attempt)

    def approvals_of(self, training_ids: Sequence[UUID]) -> dict[UUID, list[TrainingApproval]]:
        """Approvals by training, oldest first."""
        found: dict[UUID, list[TrainingApproval]] = {training_id: [] for training_id in training_ids}
        for approval in self._session.scalars(
            select(TrainingApproval)
            .where(TrainingApproval.training_id.in_(training_ids))
            .order_by(TrainingApproval.approved_at, TrainingApproval.approver_id)
        ):
            found[approval.training_id].append(approval)
        return found

    def add_approval(self, approval: TrainingApproval) -> None:
        """Insert an administrator's word."""
        self._session.add(approval)
        self._session.flush()
