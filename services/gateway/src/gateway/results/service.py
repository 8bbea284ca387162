"""Taking an answer: check that it fits the job, store it, order the worklist by it, tell the feedback service."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.jobs.errors import ResultMismatchError
from gateway.jobs.models import Job
from gateway.results.models import OutboxMessage, OutboxTopic, Result
from gateway.studies.models import Study
from ictus.contracts.jobs import CompleteJob
from ictus.contracts.prediction import PredictionResult
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition
from ictus.storage.keys import result_prefix


def record_result(session: Session, study: Study, job: Job, answer: CompleteJob, now: datetime) -> None:
    """Store the answer of a job that is completed by it.

    What the model is not confident of waits for a reader: its review item goes into the outbox here.

    Raises:
        ResultMismatchError: the answer is not one to this job.
    """
    prediction = answer.result
    _check_fit(study, job, prediction)
    session.add(
        Result(
            job_id=job.id,
            study_id=study.id,
            fence=job.fence,
            worker_id=answer.worker_id,
            model_version=prediction.model_version,
            completed_at=now,
            prediction=prediction.model_dump(mode="json"),
        )
    )
    study.disposition, study.finding = prediction.disposition, prediction.finding
    study.stroke_probability, study.confidence = prediction.stroke_probability, prediction.confidence
    study.completed_at = now
    if prediction.disposition is not Disposition.CONFIDENT:
        item = _review_item(study, job, prediction, now)
        session.add(
            OutboxMessage(
                topic=OutboxTopic.REVIEW_ITEM,
                subject_id=job.id,
                body=item.model_dump(mode="json"),
                created_at=now,
                next_attempt_at=now,
                attempts=0,
            )
        )


def latest_result(session: Session, study_id: UUID) -> Result | None:
    """The latest answer to a study."""
    return session.scalar(
        select(Result).where(Result.study_id == study_id).order_by(Result.completed_at.desc()).limit(1)
    )


def _check_fit(study: Study, job: Job, prediction: PredictionResult) -> None:
    if job.model_version not in {None, prediction.model_version}:
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


def _review_item(study: Study, job: Job, prediction: PredictionResult, now: datetime) -> ReviewItem:
    driving = next((one for one in prediction.series if one.series_id == prediction.driving_series_id), None)
    return ReviewItem(
        job_id=job.id,
        study_id=study.id,
        site_id=study.site_id,
        modality=driving.modality if driving else study.modality,
        priority=job.priority,
        disposition=prediction.disposition,
        reason_code=prediction.reason_code,
        stroke_probability=prediction.stroke_probability,
        model_version=prediction.model_version,
        embedding_key=driving.embedding_key if driving else None,
        predicted_at=now,
    )
