"""What the feedback service is told of a scan that the model called normal and was not sure of."""

from datetime import datetime
from uuid import UUID, uuid4

from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding, Modality, Priority


def overlooked(
    study: UUID,
    job: UUID,
    series: UUID,
    site: UUID,
    embedding_key: str,
    embedding_space: str | None,
    model_version: str,
    predicted_at: datetime,
    *,
    reason_code: str = "findings_not_separated",
    key_slices: tuple[int, ...],
    slice_scores: tuple[float, ...],
) -> ReviewItem:
    """A head CT of a patient of its own, which waits for a reader."""
    return ReviewItem(
        job_id=job,
        study_id=study,
        site_id=site,
        series_id=series,
        modality=Modality.CT,
        priority=Priority.ROUTINE,
        disposition=Disposition.UNCERTAIN,
        reason_code=reason_code,
        finding=Finding.NORMAL,
        stroke_probability=0.4,
        confidence=0.6,
        key_slices=key_slices,
        slice_scores=slice_scores,
        model_version=model_version,
        embedding_key=embedding_key,
        embedding_space=embedding_space,
        patient_ref=uuid4(),
        predicted_at=predicted_at,
    )
