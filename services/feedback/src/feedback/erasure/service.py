"""Erasing a study."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from feedback.cases.models import CaseRecord
from feedback.datasets.models import DatasetMember, DatasetRecord
from feedback.datasets.repository import hold_pool
from feedback.erasure.models import ErasedStudy
from feedback.erasure.tombstones import hold_study, is_erased
from feedback.reviews.models import StoredReview, StoredVerdict


def erase_study(session: Session, study_id: UUID, now: datetime) -> None:
    """Remove the study's results, verdicts and cases, mark the datasets that held it, and leave a tombstone.

    A marked dataset can no longer be fetched. Erasing again, or a study that was never heard of, changes nothing but
    leaves the tombstone, so that a result that is still on its way is refused.
    """
    hold_study(session, study_id)
    if is_erased(session, study_id):
        return
    hold_pool(session)
    # locked first: a verdict that is being taken down on one of them ends before the rest is looked at
    jobs = session.scalars(
        select(StoredReview.job_id).where(StoredReview.study_id == study_id).with_for_update()
    ).all()
    cases = session.scalars(select(CaseRecord.case_id).where(CaseRecord.study_id == study_id)).all()
    verdicts = session.scalar(
        select(func.count()).select_from(StoredVerdict).where(StoredVerdict.job_id.in_(jobs))
    )
    held = select(DatasetMember.dataset_id, func.count().label("cases")).where(
        DatasetMember.case_id.in_(cases)
    )
    counts = {dataset: count for dataset, count in session.execute(held.group_by(DatasetMember.dataset_id))}
    for dataset, count in counts.items():
        session.execute(
            update(DatasetRecord)
            .where(DatasetRecord.dataset_id == dataset)
            .values(erased_cases=DatasetRecord.erased_cases + count)
        )
    session.execute(delete(CaseRecord).where(CaseRecord.study_id == study_id))
    session.execute(delete(StoredReview).where(StoredReview.study_id == study_id))
    session.execute(
        insert(ErasedStudy).values(
            study_id=study_id,
            erased_at=now,
            results=len(jobs),
            verdicts=verdicts or 0,
            cases=len(cases),
            datasets=len(counts),
        )
    )
