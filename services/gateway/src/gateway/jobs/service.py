"""The job state machine. Every change of a job is one method here, and one transaction outside.

    queued --claim--> running --complete--> completed
      ^                  |----fail, lease lost--> queued again (back-off) or failed after the last attempt
      |                  '----when a cancellation was asked for--> cancelled
      '--retry-- failed

Shadow jobs pass through the same states, but nothing of them shows: not in the study's state, not to listeners. A
running one is asked to stop when a primary job waits, and is queued again.

An answer counts when the job is running and the answer's fence is the job's. Whoever ends an attempt writes
its outcome, so that the same answer sent twice is recognised and a zombie's is told apart.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.jobs.errors import AnalysisOpenError, FenceLostError, JobEndedError, QueueFullError
from gateway.jobs.models import Attempt, AttemptOutcome, Job, JobKind
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.jobs.shadows import Shadows, is_forgiven
from gateway.operations.answered import Answered
from gateway.results.outbox import tell_of_priority
from gateway.results.service import record_result
from gateway.studies.models import ObjectRemoval, Study, StudyState
from gateway.studies.urgency import urgency_of
from gateway.triage.service import raise_alert
from ictus.contracts.jobs import (
    MODEL_VERSION_UNAVAILABLE,
    AnalyzeStudy,
    ClaimRequest,
    CompleteJob,
    FailJob,
    Heartbeat,
    LeaseState,
    SeriesRef,
)
from ictus.domain.enums import JobState, Priority
from ictus.domain.errors import NotFoundError
from ictus.domain.ids import new_id
from ictus.storage.keys import result_prefix
from ictus.telemetry import present_traceparent

LEASE_LOST: Final = "lease_lost"
_TRY_AGAIN_SECONDS: Final = 30


class JobService:
    """Job changes within ``session``'s transaction.

    Args:
        session: committed by the caller.
        now: the time of this request.
        policy: the protocol's numbers.
        ring: has the doorbell rung for a job once the transaction has committed.
    """

    def __init__(
        self, session: Session, now: datetime, policy: JobPolicy, ring: Callable[[UUID], None]
    ) -> None:
        self._session = session
        self._jobs = JobRepository(session)
        self._now = now
        self._policy = policy
        self._ring = ring
        self._shadows = Shadows(session, now, policy, ring)

    def refuse_when_full(self) -> None:
        """Raise ``QueueFullError`` when no further analysis is taken on for now."""
        if self._jobs.queue_length() >= self._policy.max_queue_length:
            raise QueueFullError(retry_after=_TRY_AGAIN_SECONDS)

    def enqueue(
        self,
        study: Study,
        requested_by: UUID,
        model_version: str | None = None,
        job_id: UUID | None = None,
    ) -> Job:
        """Queue an analysis of a study. Raises ``AnalysisOpenError`` when one has not ended yet.

        Args:
            study: what to analyse.
            requested_by: who wants it.
            model_version: to answer with; None for the champion.
            job_id: the id under which the analysis was ordered before the study was here; None for a new one.
        """
        job = Job(
            id=job_id or new_id(),
            study_id=study.id,
            state=JobState.QUEUED,
            priority=study.priority,
            model_version=model_version,
            requested_by=requested_by,
            created_at=self._now,
            not_before=self._now,
            attempt=0,
            fence=0,
            cancel_requested=False,
            done=0,
            total=0,
            traceparent=present_traceparent(),
        )
        try:
            self._jobs.add(job)
        except IntegrityError as error:
            raise AnalysisOpenError from error
        self._show(study, job, EventKind.JOB_QUEUED)
        self._ring(job.id)
        return job

    def claim(self, request: ClaimRequest) -> AnalyzeStudy | None:
        """Lease the most urgent job to a worker; None when nothing waits."""
        job = self._jobs.lock_most_urgent(self._now)
        if job is None:
            return None
        study = self._study_of(job)
        job.state = JobState.RUNNING
        job.attempt += 1
        job.fence += 1
        job.worker_id = request.worker_id
        job.lease_expires_at = self._now + self._policy.lease
        job.started_at = job.started_at or self._now
        job.stage, job.done, job.total, job.progress_at = None, 0, 0, None
        job.claimed_version = job.model_version or self._shadows.canary_of(job)
        self._jobs.add_attempt(
            Attempt(job_id=job.id, fence=job.fence, worker_id=request.worker_id, claimed_at=self._now)
        )
        if job.kind is JobKind.PRIMARY:
            study.analysis_started_at = study.analysis_started_at or self._now
        self._show(study, job, EventKind.JOB_STARTED)
        return AnalyzeStudy(
            job_id=job.id,
            study_id=study.id,
            attempt=job.attempt,
            fence=job.fence,
            lease_expires_at=job.lease_expires_at,
            heartbeat_seconds=self._policy.lease.total_seconds() / 3,
            priority=job.priority,
            series=tuple(
                SeriesRef(
                    series_id=series.id,
                    modality=series.modality,
                    source_format=series.source_format,
                    volume_key=series.volume_key,
                    volume_sha256=series.volume_sha256,
                    slices=series.slices,
                    rows=series.rows,
                    columns=series.columns,
                )
                for series in study.series
            ),
            result_prefix=result_prefix(study.id, job.id, job.fence),
            model_version=job.claimed_version,
            stores_objects=job.kind is JobKind.PRIMARY,
            traceparent=job.traceparent,
        )

    def heartbeat(self, job_id: UUID, beat: Heartbeat) -> LeaseState:
        """Extend the lease and note the progress. Raises ``FenceLostError``."""
        job = self._owned(job_id, beat.fence)
        due = job.progress_at is None or self._now - job.progress_at >= self._policy.progress_interval
        if job.kind is JobKind.PRIMARY and (beat.stage != job.stage or due):
            job.progress_at = self._now
            announce(
                self._session,
                self._study_of(job).site_id,
                StudyEvent(
                    kind=EventKind.JOB_PROGRESS,
                    study_id=job.study_id,
                    at=self._now,
                    job_id=job.id,
                    attempt=job.attempt,
                    stage=beat.stage,
                    done=beat.done,
                    total=beat.total,
                ),
            )
        job.stage, job.done, job.total = beat.stage, beat.done, beat.total
        job.lease_expires_at = self._now + self._policy.lease
        gives_way = job.kind is JobKind.SHADOW and self._jobs.is_primary_waiting(self._now)
        return LeaseState(
            lease_expires_at=job.lease_expires_at, cancel_requested=job.cancel_requested or gives_way
        )

    def complete(self, job_id: UUID, answer: CompleteJob) -> Answered | None:
        """Take the answer, once: what is measured of it, None of a repeated one and of a shadow's.

        Raises:
            FenceLostError: the job is another worker's.
            ResultMismatchError: the answer is not one to this job.
        """
        if self._answered_before(job_id, answer.fence, AttemptOutcome.COMPLETED):
            return None
        job = self._owned(job_id, answer.fence)
        study = self._study_of(job)
        if job.kind is JobKind.SHADOW:
            self._shadows.compare(study, job, answer.result)
        else:
            record_result(self._session, study, job, answer, self._now)
            self._shadows.ask_second_opinion(study, job, answer.result)
        claimed_at = self._end_attempt(job, AttemptOutcome.COMPLETED)
        job.state, job.finished_at = JobState.COMPLETED, self._now
        job.failure_code = job.failure_detail = None
        self._show(study, job, EventKind.JOB_COMPLETED)
        if job.kind is JobKind.SHADOW:
            return None
        raise_alert(self._session, study, self._now)
        stages = {
            "queued": claimed_at - job.created_at,
            "analysed": self._now - claimed_at,
            "total": self._now - job.created_at,
        }
        return Answered(job.priority, study.modality, answer.result, stages)

    def fail(self, job_id: UUID, failure: FailJob) -> None:
        """Take a worker's word that this attempt is over. Raises ``FenceLostError``."""
        if self._answered_before(job_id, failure.fence, AttemptOutcome.FAILED, AttemptOutcome.CANCELLED):
            return
        job = self._owned(job_id, failure.fence)
        self._give_up(job, AttemptOutcome.FAILED, failure.code, failure.detail, retryable=failure.retryable)

    def end_expired_lease(self) -> bool:
        """End one attempt whose worker fell silent; False when there is none."""
        job = self._jobs.lock_expired(self._now)
        if job is None:
            return False
        detail = "The analysis worker stopped answering."
        self._give_up(job, AttemptOutcome.LEASE_LOST, LEASE_LOST, detail, retryable=True)
        return True

    def raise_priority(self, study: Study) -> bool:
        """Make a study STAT, its analysis unless that has ended, its reviews; False when it was STAT already."""
        latest = self._jobs.latest_of(study.id)
        job = self._jobs.lock(latest.id) if latest else None  # before the study, as a claim does
        present = self._session.get(
            Study, study.id, with_for_update={"key_share": True}, populate_existing=True
        )
        if present is None or present.priority is Priority.STAT:
            return False
        study.priority = Priority.STAT
        if job is not None and job.state not in {JobState.COMPLETED, JobState.CANCELLED}:
            job.priority = Priority.STAT
            if job.state is JobState.QUEUED:
                self._ring(job.id)  # a claim at this moment steps over the locked job
        study.urgency = urgency_of(study)
        tell_of_priority(self._session, study.id, self._now)
        announce(
            self._session,
            study.site_id,
            StudyEvent(
                kind=EventKind.STUDY_PRIORITY_RAISED,
                study_id=study.id,
                at=self._now,
                priority=study.priority,
            ),
        )
        return True

    def cancel(self, job_id: UUID) -> Job:
        """Cancel a waiting job at once; ask a running one's worker to stop. Raises ``JobEndedError``."""
        job = self._locked(job_id)
        if job.state is JobState.RUNNING:
            job.cancel_requested = True
        elif job.state is JobState.QUEUED:
            job.state, job.finished_at = JobState.CANCELLED, self._now
            self._show(self._study_of(job), job, EventKind.JOB_CANCELLED)
        else:
            raise JobEndedError
        return job

    def retry(self, job_id: UUID) -> Job:
        """Queue a failed job again, with all its attempts. Raises ``JobEndedError``, ``AnalysisOpenError``."""
        job = self._locked(job_id)
        latest = self._jobs.latest_of(job.study_id)
        if job.state is not JobState.FAILED or latest is None or latest.id != job.id:
            raise JobEndedError
        job.state, job.attempt = JobState.QUEUED, 0
        job.not_before, job.finished_at = self._now, None
        job.cancel_requested = False
        self._show(self._study_of(job), job, EventKind.JOB_QUEUED)
        self._ring(job.id)
        return job

    def _give_up(self, job: Job, outcome: AttemptOutcome, code: str, detail: str, *, retryable: bool) -> None:
        """End the attempt; the job is queued again, failed or cancelled."""
        study = self._study_of(job)
        self._end_attempt(job, AttemptOutcome.CANCELLED if job.cancel_requested else outcome, code, detail)
        if job.kind is JobKind.PRIMARY:  # the attempt may have stored pictures, and a zombie may still do so
            self._session.merge(
                ObjectRemoval(
                    prefix=result_prefix(job.study_id, job.id, job.fence),
                    remove_after=self._now + self._policy.zombie_after,
                )
            )
        job.failure_code, job.failure_detail = code, detail
        if job.kind is JobKind.SHADOW and code == MODEL_VERSION_UNAVAILABLE:
            retryable = False
        if not job.cancel_requested and is_forgiven(job, code):
            job.state, job.attempt, job.not_before = JobState.QUEUED, job.attempt - 1, self._now
            self._show(study, job, EventKind.JOB_QUEUED)
            self._ring(job.id)
        elif job.cancel_requested:
            job.state, job.finished_at = JobState.CANCELLED, self._now
            self._show(study, job, EventKind.JOB_CANCELLED)
        elif retryable and job.attempt < self._policy.max_attempts:
            job.state = JobState.QUEUED
            job.not_before = self._now + self._policy.backoff * 4 ** (job.attempt - 1)
            self._show(study, job, EventKind.JOB_QUEUED)
        else:
            job.state, job.finished_at = JobState.FAILED, self._now
            self._show(study, job, EventKind.JOB_FAILED)

    def _end_attempt(
        self, job: Job, outcome: AttemptOutcome, code: str | None = None, detail: str | None = None
    ) -> datetime:
        """Write how the present attempt ended; when it began."""
        attempt = self._jobs.attempt(job.id, job.fence)
        if attempt is None:
            raise RuntimeError("a running job has an attempt row")
        attempt.ended_at, attempt.outcome = self._now, outcome
        attempt.failure_code, attempt.failure_detail = code, detail
        job.worker_id = job.lease_expires_at = None
        return attempt.claimed_at

    def _show(self, study: Study, job: Job, kind: EventKind) -> None:
        """Carry the job's state over to the study, tell the listeners, and put it on record."""
        if job.kind is JobKind.PRIMARY:
            study.state = StudyState(job.state)
            study.urgency = urgency_of(study)
            completed = kind is EventKind.JOB_COMPLETED
            announce(
                self._session,
                study.site_id,
                StudyEvent(
                    kind=kind,
                    study_id=study.id,
                    at=self._now,
                    job_id=job.id,
                    priority=job.priority,
                    attempt=job.attempt,
                    disposition=study.disposition if completed else None,
                    finding=study.finding if completed else None,
                    failure_code=job.failure_code,
                ),
            )
        AuditEntry(
            action=kind.value,
            object_type="job",
            object_id=job.id,
            actor_kind=ActorKind.SYSTEM,
            site_id=study.site_id,
            detail={"study_id": str(study.id), "attempt": job.attempt, "kind": job.kind},
        ).write(self._session, self._now)

    def _answered_before(self, job_id: UUID, fence: int, *outcomes: AttemptOutcome) -> bool:
        """Whether this very answer was taken already."""
        self._locked(job_id)
        attempt = self._jobs.attempt(job_id, fence)
        return attempt is not None and attempt.outcome in outcomes

    def _owned(self, job_id: UUID, fence: int) -> Job:
        job = self._locked(job_id)
        if job.state is not JobState.RUNNING or job.fence != fence:
            raise FenceLostError
        return job

    def _locked(self, job_id: UUID) -> Job:
        job = self._jobs.lock(job_id)
        if job is None:
            raise NotFoundError("There is no such job.")
        return job

    def _study_of(self, job: Job) -> Study:
        study = self._session.get(Study, job.study_id)
        if study is None:
            raise RuntimeError("a job has a study")
        return study
