"""What the feedback service is told of a result: enough to queue it, to learn from it, and nothing of whose it is."""

from gateway.results.models import Result
from gateway.studies.models import Study
from ictus.contracts.prediction import PredictionResult, SeriesPrediction
from ictus.contracts.reviews import ReviewItem


def review_item(study: Study, result: Result) -> ReviewItem:
    """The item of a result that was recorded."""
    prediction = PredictionResult.model_validate(result.prediction)
    driving = next((one for one in prediction.series if one.series_id == prediction.driving_series_id), None)
    return ReviewItem(
        job_id=result.job_id,
        study_id=study.id,
        site_id=study.site_id,
        series_id=prediction.driving_series_id,
        modality=driving.modality if driving else study.modality,
        priority=study.priority,
        disposition=prediction.disposition,
        reason_code=prediction.reason_code,
        finding=prediction.finding,
        stroke_probability=prediction.stroke_probability,
        confidence=prediction.confidence,
        novelty=prediction.novelty,
        key_slices=driving.key_slices if driving else (),
        slice_scores=_scores(study, driving) if driving else (),
        model_version=prediction.model_version,
        embedding_key=driving.embedding_key if driving else None,
        embedding_space=prediction.embedding_space,
        patient_ref=study.patient_ref,
        predicted_at=result.completed_at,
    )


def _scores(study: Study, driving: SeriesPrediction) -> tuple[float | None, ...]:
    """The slices' probabilities in slice order; null for those that the model did not answer."""
    slices = next(one.slices for one in study.series if one.id == driving.series_id)
    scores = {one.index: one.stroke_probability for one in driving.slices}
    return tuple(scores.get(index) for index in range(slices))
