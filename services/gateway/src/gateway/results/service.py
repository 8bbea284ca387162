"""Taking an answer: check that it fits the job, store it, order the worklist by it, tell the feedback service."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.deliveries.queueing import queue_deliveries
from gateway.jobs.errors import ResultMismatchError
from gateway.jobs.models import Job
from gateway.results.models import Result
from gateway.results.outbox import tell_of_result
from gateway.results.review_item import review_item
from gateway.studies.models import Study
from ictus.contracts.jobs import CompleteJob
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition, ReviewState
from ictus.storage.keys import result_prefix


def record_result(session: Session, study: Study, job: Job, answer: CompleteJob, now: datetime) -> None:
    """Store the answer of a job that is completed by it.

    Readers can review every answer, and what the model is not confident of waits for them: its review item goes into
    the outbox here, and what other systems are to get into theirs.

    Raises:
        ResultMismatchError: the answer is not one to this job.
    """
    prediction = answer.result
    check_fit(study, job, prediction)
    result = Result(
        job_id=job.id,
        study_id=study.id,
        fence=job.fence,
        worker_id=answer.worker_id,
        model_version=prediction.model_version,
        completed_at=now,
        prediction=prediction.model_dump(mode="json"),
    )
    session.add(result)
    study.disposition, study.finding = prediction.disposition, prediction.finding
    study.stroke_probability, study.confidence = prediction.stroke_probability, prediction.confidence
    study.novelty, study.completed_at = prediction.novelty, now
    seen = prediction.intensity
    study.intensity_mean, study.intensity_deviation = (seen.mean, seen.deviation) if seen else (None, None)
    confident = prediction.disposition is Disposition.CONFIDENT
    study.review_state = ReviewState.OPTIONAL if confident else ReviewState.OPEN
    tell_of_result(session, review_item(study, result), now)
    queue_deliveries(session, study, result, now)


def latest_result(session: Session, study_id: UUID) -> Result | None:
    """The latest answer to a study."""
    return session.scalar(
        select(Result).where(Result.study_id == study_id).order_by(Result.completed_at.desc()).limit(1)
    )


def check_fit(study: Study, job: Job, prediction: PredictionResult) -> None:
    """Raise ``ResultMismatchError`` unless the answer is one to this job."""
    if job.claimed_version not in {None, prediction.model_version}:
        raise ResultMismatchError("The answer comes from another model version than the job asks for.")
    series = {one.id: one for one in study.series}
    answered = [one.series_id for one in prediction.series]
    if len(set(answered)) != len(answered) or set(answered) != set(series):
        raise ResultMismatchError("The answer is about other series than the job's.")
    if prediction.driving_series_id is not None and prediction.driving_series_id not in series:
        raise ResultMismatchError("The answer names a driving series that the study does not have.")
    prefix = result_prefix(study.id, job.id, job.fence)
    for one in prediction.series:
        indices = range(series[one.series_id].slices)
        if any(part.index not in indices for part in one.slices) or any(
            i not in indices for i in one.key_slices
        ):
            raise ResultMismatchError("The answer names a slice that the series does not have.")
        keys = [one.embedding_key]
        for part in one.slices:
            keys += [part.overlay_key, part.picture_key, part.plain_key]
        if any(key is not None and not key.startswith(prefix) for key in keys):
            raise ResultMismatchError("The answer names an object outside its attempt's prefix.")
