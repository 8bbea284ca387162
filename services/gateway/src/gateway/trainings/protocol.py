"""The training state machine, as far as the trainer drives it (``ictus.contracts.trainings``).

    queued --claim--> running --complete--> awaiting_approval, or refused by the gate
      ^                  |----fail, lease lost--> queued again (back-off) or failed after the last attempt
      |                  '--cancel--> cancelling --fail, complete, lease lost--> cancelled
      '------ request

A training that backs off is rung by the sweep when its time has come.

An answer counts when the training is leased and the answer's fence is the training's. Whoever ends an attempt writes
its outcome, so that the same answer sent twice is recognised and a zombie's is told apart.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.jobs.errors import FenceLostError
from gateway.jobs.models import AttemptOutcome
from gateway.jobs.service import LEASE_LOST
from gateway.models.releases import present_release
from gateway.trainings.errors import OutcomeMismatchError, TrainingNotFoundError
from gateway.trainings.models import MethodReport, Training, TrainingAttempt
from gateway.trainings.policy import TrainingPolicy
from gateway.trainings.repository import TrainingRepository
from ictus.contracts.trainings import (
    ClaimTraining,
    CompleteTraining,
    FailTraining,
    TrainerMethods,
    TrainingHeartbeat,
    TrainingLease,
    TrainModel,
)
from ictus.domain.enums import TrainingMethod, TrainingState

_LEASED = frozenset({TrainingState.RUNNING, TrainingState.CANCELLING})


class TrainingProtocol:
    """What a trainer does, within ``session``'s transaction.

    Args:
        session: committed by the caller.
        now: the time of this request.
        policy: the protocol's numbers.
    """

    def __init__(self, session: Session, now: datetime, policy: TrainingPolicy) -> None:
        self._session = session
        self._trainings = TrainingRepository(session)
        self._now = now
        self._policy = policy

    def note_methods(self, said: TrainerMethods) -> None:
        """Keep what a trainer that starts lacks."""
        for method in TrainingMethod:
            self._trainings.note_method(
                MethodReport(method=method, missing=said.missing.get(method), told_at=self._now)
            )

    def claim(self, request: ClaimTraining) -> TrainModel | None:
        """Lease the training that waits to a trainer; None when there is none."""
        training = self._trainings.lock_queued(self._now)
        if training is None:
            return None
        training.state = TrainingState.RUNNING
        training.attempt += 1
        training.fence += 1
        training.worker_id = request.worker_id
        training.lease_expires_at = self._now + self._policy.lease
        training.started_at = training.started_at or self._now
        self._trainings.add_attempt(
            TrainingAttempt(
                training_id=training.id,
                fence=training.fence,
                worker_id=request.worker_id,
                claimed_at=self._now,
            )
        )
        self._note(training, "training.started")
        return TrainModel(
            training_id=training.id,
            attempt=training.attempt,
            fence=training.fence,
            lease_expires_at=training.lease_expires_at,
            heartbeat_seconds=self._policy.lease.total_seconds() / 3,
            method=training.method,
            base_version=training.base_version,
            dataset_id=training.dataset_id,
            candidate_version=training.candidate_version,
            seed=training.seed,
        )

    def heartbeat(self, training_id: UUID, beat: TrainingHeartbeat) -> TrainingLease:
        """Extend the lease and note the progress. Raises ``FenceLostError``."""
        training = self._owned(training_id, beat.fence)
        training.stage, training.fraction = beat.progress.stage, beat.progress.fraction
        training.figures, training.progress_at = beat.progress.figures, self._now
        training.lease_expires_at = self._now + self._policy.lease
        return TrainingLease(
            lease_expires_at=training.lease_expires_at, cancel=training.state is TrainingState.CANCELLING
        )

    def complete(self, training_id: UUID, answer: CompleteTraining) -> None:
        """Take the candidate, once. Raises ``FenceLostError``, ``OutcomeMismatchError``."""
        if self._answered_before(training_id, answer.fence, AttemptOutcome.COMPLETED):
            return
        training = self._owned(training_id, answer.fence)
        outcome = answer.outcome
        if outcome.version != training.candidate_version:
            raise OutcomeMismatchError
        self._end_attempt(training, AttemptOutcome.COMPLETED)
        training.candidate_sha256, training.metrics = outcome.sha256, outcome.metrics
        training.gate = outcome.gate.model_dump(mode="json")
        training.failure_code = training.failure_reason = None
        training.fraction, training.finished_at = 1.0, self._now
        release = present_release(self._session)
        if training.state is TrainingState.CANCELLING:
            training.state = TrainingState.CANCELLED
        elif not outcome.gate.passed:
            training.state = TrainingState.REFUSED
        elif release is not None and release.version != training.base_version:
            training.state, training.decided_at = TrainingState.SUPERSEDED, self._now
        else:
            training.state = TrainingState.AWAITING_APPROVAL
        self._note(training, f"training.{training.state}")

    def fail(self, training_id: UUID, failure: FailTraining) -> None:
        """Take a trainer's word that this attempt is over. Raises ``FenceLostError``."""
        if self._answered_before(training_id, failure.fence, AttemptOutcome.FAILED, AttemptOutcome.CANCELLED):
            return
        training = self._owned(training_id, failure.fence)
        self._give_up(
            training, AttemptOutcome.FAILED, failure.code, failure.reason, retryable=failure.retryable
        )

    def end_expired_lease(self) -> bool:
        """End an attempt whose trainer fell silent; False when there is none."""
        training = self._trainings.lock_expired(self._now)
        if training is None:
            return False
        reason = "The trainer stopped answering."
        self._give_up(training, AttemptOutcome.LEASE_LOST, LEASE_LOST, reason, retryable=True)
        return True

    def _give_up(
        self, training: Training, outcome: AttemptOutcome, code: str, reason: str, *, retryable: bool
    ) -> None:
        """End the attempt; the training is queued again, failed or cancelled."""
        cancelled = training.state is TrainingState.CANCELLING
        self._end_attempt(training, AttemptOutcome.CANCELLED if cancelled else outcome, code, reason)
        training.failure_code, training.failure_reason = code, reason
        if cancelled:
            training.state, training.finished_at = TrainingState.CANCELLED, self._now
        elif retryable and training.attempt < self._policy.max_attempts:
            training.state = TrainingState.QUEUED
            training.not_before = self._now + self._policy.backoff * 4 ** (training.attempt - 1)
        else:
            training.state, training.finished_at = TrainingState.FAILED, self._now
        self._note(training, f"training.{training.state}")

    def _end_attempt(
        self, training: Training, outcome: AttemptOutcome, code: str | None = None, reason: str | None = None
    ) -> None:
        attempt = self._trainings.attempt(training.id, training.fence)
        if attempt is None:
            raise RuntimeError("a running training has an attempt row")
        attempt.ended_at, attempt.outcome = self._now, outcome
        attempt.failure_code, attempt.failure_reason = code, reason
        training.worker_id = training.lease_expires_at = None

    def _answered_before(self, training_id: UUID, fence: int, *outcomes: AttemptOutcome) -> bool:
        """Whether this very answer was taken already."""
        self._locked(training_id)
        attempt = self._trainings.attempt(training_id, fence)
        return attempt is not None and attempt.outcome in outcomes

    def _owned(self, training_id: UUID, fence: int) -> Training:
        training = self._locked(training_id)
        if training.state not in _LEASED or training.fence != fence:
            raise FenceLostError
        return training

    def _locked(self, training_id: UUID) -> Training:
        training = self._trainings.lock(training_id)
        if training is None:
            raise TrainingNotFoundError
        return training

    def _note(self, training: Training, action: str) -> None:
        """Put a change on record."""
        AuditEntry(
            action=action,
            object_type="training",
            object_id=training.id,
            actor_kind=ActorKind.SYSTEM,
            detail={"attempt": training.attempt, "version": training.candidate_version},
        ).write(self._session, self._now)
