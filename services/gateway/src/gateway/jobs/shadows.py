"""Second opinions: jobs that ask another version about an answered study, for comparison alone, and canaries."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.jobs.models import Job, JobKind
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.results.models import Result
from gateway.results.service import check_fit
from gateway.rollout.comparison import record_comparison
from gateway.rollout.plan import canary_version, second_opinion
from gateway.rollout.repository import present_rollout
from gateway.studies.models import Study
from ictus.contracts.jobs import JOB_CANCELLED, MODEL_VERSION_UNAVAILABLE
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import JobState, Priority
from ictus.domain.ids import new_id


class Shadows:
    """What a rollout adds to the jobs of ``session``'s transaction.

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

    def canary_of(self, job: Job) -> str | None:
        """The challenger, when it is to answer this study. Only a first claim: no challenger costs a study its answer."""
        if job.kind is not JobKind.PRIMARY or job.fence != 1:
            return None
        return canary_version(present_rollout(self._session), job.study_id)

    def ask_second_opinion(self, study: Study, job: Job, prediction: PredictionResult) -> None:
        """Queue a shadow job when the rollout wants both versions' answers; one at a time for a study."""
        wanted = second_opinion(present_rollout(self._session), study.id, prediction.model_version)
        if wanted is None or job.model_version is not None or self._jobs.has_open_shadow(study.id):
            return
        if self._jobs.shadows_open() >= self._policy.max_queue_length:
            return
        shadow = Job(
            id=new_id(),
            study_id=study.id,
            kind=JobKind.SHADOW,
            shadow_of=job.id,
            state=JobState.QUEUED,
            priority=Priority.ROUTINE,
            model_version=wanted.version,
            requested_by=job.requested_by,
            created_at=self._now,
            not_before=self._now,
            attempt=0,
            fence=0,
            cancel_requested=False,
            done=0,
            total=0,
            traceparent=job.traceparent,
        )
        self._jobs.add(shadow)
        self._ring(shadow.id)

    def compare(self, study: Study, job: Job, prediction: PredictionResult) -> None:
        """Keep what a shadow job found beside what was answered. Raises ``ResultMismatchError``."""
        check_fit(study, job, prediction)
        answered = self._session.get(Result, job.shadow_of)
        if answered is None:
            raise RuntimeError("a shadow job follows a result")
        seen = PredictionResult.model_validate(answered.prediction)
        record_comparison(self._session, study.site_id, study.id, job.id, seen, prediction, self._now)


def is_forgiven(job: Job, code: str) -> bool:
    """Whether a failed attempt is taken up again at once and does not count.

    A canary whose version a worker cannot have is answered by the champion; a shadow job gave way to a primary one.
    """
    if job.kind is JobKind.SHADOW:
        return code == JOB_CANCELLED
    is_canary = job.model_version is None and job.claimed_version is not None
    return code == MODEL_VERSION_UNAVAILABLE and is_canary
