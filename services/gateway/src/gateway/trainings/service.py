"""Trainings as administrators see them: asked for, watched, cancelled, and their candidates approved or rejected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import randbelow
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.auth.repository import UserRepository
from gateway.cursor import time_cursor, time_position
from gateway.models.errors import NoModelError
from gateway.models.registry import ModelRegistry
from gateway.paging import Page
from gateway.trainings.errors import (
    ApprovedAlreadyError,
    MethodUnavailableError,
    NotEnoughCasesError,
    NotTeachableError,
    TrainingNotFoundError,
    TrainingOpenError,
    TrainingStateError,
)
from gateway.trainings.models import Training, TrainingApproval
from gateway.trainings.repository import TrainingRepository
from gateway.trainings.schemas import MethodOut, TrainingOut, TrainingRequest
from ictus.contracts.cases import CaseSummary, DatasetRequest, TrainingDataset
from ictus.domain.enums import TrainingMethod, TrainingState
from ictus.domain.errors import UnavailableError
from ictus.domain.ids import new_id
from ictus.http import RemoteError, ServiceClient

_NOT_TOLD: Final = "No trainer has said yet that it has the images that this needs."


@dataclass(frozen=True)
class Material:
    """What the next version would be made of: the model in use and the cases that fit it."""

    base_version: str
    wish: DatasetRequest
    summary: CaseSummary


def material(session: Session, registry: ModelRegistry, feedback: ServiceClient) -> Material:
    """Ask the registry for the model in use and the feedback service for what it could learn from.

    What the model in use has learned from is not new to it; what only a refused, failed or taken back version learned
    from still is. No transaction of ``session`` stays open while the others are asked.

    Raises:
        NoModelError: no model is in use.
        NotTeachableError: it says nothing of its embedding space.
        UnavailableError: the registry or the feedback service does not answer.
    """
    champion = registry.champion()
    if champion is None:
        raise NoModelError
    space = registry.manifest(champion).embedding_space
    if space is None:
        raise NotTeachableError
    made_by = TrainingRepository(session).of_candidate(champion)
    wish = DatasetRequest(embedding_space=space, learned=made_by.dataset_id if made_by else None)
    session.commit()
    params = wish.model_dump(mode="json", exclude_none=True, exclude={"schema_version"})
    try:
        summary = feedback.call("GET", "/internal/v1/cases/summary", CaseSummary, params=params)
    except RemoteError as error:
        raise UnavailableError from error
    if summary is None:
        raise UnavailableError
    return Material(champion, wish, summary)


def freeze_dataset(feedback: ServiceClient, wish: DatasetRequest) -> TrainingDataset:
    """Have a dataset made of every case of a space; the same cases give the same dataset.

    Raises:
        NotEnoughCasesError: there is no usable case.
        UnavailableError: the feedback service does not answer.
    """
    try:
        dataset = feedback.call("POST", "/internal/v1/datasets", TrainingDataset, body=wish)
    except RemoteError as error:
        if error.remote_code == "no_cases":
            raise NotEnoughCasesError(error.detail) from error
        raise UnavailableError from error
    if dataset is None:
        raise UnavailableError
    return dataset


class TrainingService:
    """What administrators do, within ``session``'s transaction.

    Args:
        session: committed by the caller.
        now: the time of this request.
        approvals_needed: administrators who must approve a candidate.
        ring: has the trainer woken for a training once the transaction has committed.
    """

    def __init__(
        self, session: Session, now: datetime, approvals_needed: int, ring: Callable[[UUID], None]
    ) -> None:
        self._trainings = TrainingRepository(session)
        self._session = session
        self._now = now
        self._approvals_needed = approvals_needed
        self._ring = ring

    def refuse_second(self) -> None:
        """Raise ``TrainingOpenError`` when a training waits or runs."""
        if self._trainings.is_any_open():
            raise TrainingOpenError

    def methods(self) -> list[MethodOut]:
        """The ways of learning, and what the trainer lacks for each. Latent replay needs nothing."""
        told = {report.method: report.missing for report in self._trainings.methods()}
        missing = {TrainingMethod.FULL_FINE_TUNING: told.get(TrainingMethod.FULL_FINE_TUNING, _NOT_TOLD)}
        return [MethodOut(method=method, missing=missing.get(method)) for method in TrainingMethod]

    def refuse_unavailable(self, method: TrainingMethod) -> None:
        """Raise ``MethodUnavailableError`` when the trainer has said that it lacks something."""
        for one in self.methods():
            if one.method is method and one.missing is not None:
                raise MethodUnavailableError(one.missing)

    def queue(self, wish: TrainingRequest, base: str, dataset: TrainingDataset, by: UUID | None) -> Training:
        """Queue a training; ``by`` None: it starts by itself. Raises ``TrainingOpenError``."""
        training_id = new_id()
        training = Training(
            id=training_id,
            state=TrainingState.QUEUED,
            method=wish.method,
            base_version=base,
            candidate_version=f"{self._now:%Y.%m.%d}-{training_id.hex[:8]}",
            seed=randbelow(2**31) if wish.seed is None else wish.seed,
            dataset_id=dataset.dataset_id,
            dataset=dataset.model_dump(mode="json"),
            requested_by=by,
            requested_at=self._now,
            not_before=self._now,
            attempt=0,
            fence=0,
            fraction=0.0,
            figures={},
        )
        try:
            with self._session.begin_nested():
                self._trainings.add(training)
        except IntegrityError as error:  # two requests at the same moment
            raise TrainingOpenError from error
        self._ring(training.id)
        return training

    def cancel(self, training_id: UUID) -> Training:
        """Cancel a waiting training at once; have a running one's trainer stop. Raises ``TrainingStateError``."""
        training = self._locked(training_id)
        if training.state is TrainingState.QUEUED:
            training.state, training.finished_at = TrainingState.CANCELLED, self._now
        elif training.state is TrainingState.RUNNING:
            training.state = TrainingState.CANCELLING
        elif training.state is not TrainingState.CANCELLING:
            raise TrainingStateError
        return training

    def approve(self, training_id: UUID, by: UUID) -> tuple[Training, bool]:
        """Take an administrator's word for a candidate.

        Returns:
            The training, and whether it has all the approvals that it needs.

        Raises:
            TrainingStateError: it does not wait for approval.
            ApprovedAlreadyError: this administrator's word alone is not enough, and was given before.
        """
        training = self._locked(training_id)
        if training.state is not TrainingState.AWAITING_APPROVAL:
            raise TrainingStateError
        approvals = self._trainings.approvals_of([training.id])[training.id]
        if any(one.approver_id == by for one in approvals):
            if len(approvals) < self._approvals_needed:
                raise ApprovedAlreadyError
            return training, True
        self._trainings.add_approval(
            TrainingApproval(training_id=training.id, approver_id=by, approved_at=self._now)
        )
        return training, len(approvals) + 1 >= self._approvals_needed

    def reject(self, training_id: UUID, by: UUID, reason: str) -> Training:
        """Put a candidate aside for good. Raises ``TrainingStateError`` when it does not wait for approval."""
        training = self._locked(training_id)
        if training.state is not TrainingState.AWAITING_APPROVAL:
            raise TrainingStateError
        training.state, training.decided_at = TrainingState.REJECTED, self._now
        training.rejected_by, training.rejected_reason = by, reason
        return training

    def get(self, training_id: UUID) -> Training:
        """The training. Raises ``TrainingNotFoundError``."""
        training = self._trainings.get(training_id)
        if training is None:
            raise TrainingNotFoundError
        return training

    def page(self, cursor: str | None, limit: int) -> Page[TrainingOut]:
        """Trainings, the newest first. Raises ``CursorError``."""
        found = self._trainings.page(time_position(cursor) if cursor else None, limit + 1)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return Page[TrainingOut](
            items=self.described(page),
            next_cursor=time_cursor(last.requested_at, last.id) if last else None,
        )

    def described(self, trainings: Sequence[Training]) -> list[TrainingOut]:
        """Trainings as the API tells them, with their approvals."""
        approvals = self._trainings.approvals_of([training.id for training in trainings])
        people = {one.approver_id for given in approvals.values() for one in given}
        people |= {person for one in trainings for person in (one.requested_by, one.rejected_by) if person}
        names = UserRepository(self._session).names_of(people)
        return [
            TrainingOut.of(training, approvals[training.id], names, self._approvals_needed)
            for training in trainings
        ]

    def _locked(self, training_id: UUID) -> Training:
        training = self._trainings.lock(training_id)
        if training is None:
            raise TrainingNotFoundError
        return training
