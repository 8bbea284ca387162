"""Writing down what must be sent, in the transaction of the result or the verdict that it tells of."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import any_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.deliveries.models import Delivery, DeliveryState, Destination, Occasion
from gateway.results.models import Result
from gateway.reviews.decided import latest_final
from gateway.studies.models import Study
from ictus.contracts.prediction import PredictionResult
from ictus.domain.ids import new_id
from ictus.report import Reading, ReportStatus, report_status


def queue_deliveries(session: Session, study: Study, result: Result, now: datetime) -> None:
    """Have every destination of the study's site that wants this status told. One that was told of it is not told again."""
    session.flush()  # the rows refer to the result's job and study
    _queue(session, study.site_id, result, Occasion(_status(session, study, result).value), now)


def queue_escalation(session: Session, site_id: UUID, result: Result, now: datetime) -> None:
    """Have the webhooks of a site that want it told of an alert about a result that nobody has taken on."""
    _queue(session, site_id, result, Occasion.ESCALATED, now)


def _queue(session: Session, site_id: UUID, result: Result, status: Occasion, now: datetime) -> None:
    wanting = select(Destination.id).where(
        Destination.site_id == site_id,
        Destination.enabled,
        any_(Destination.statuses) == status.value,
    )
    for destination_id in session.scalars(wanting).all():
        session.execute(
            insert(Delivery)
            .values(
                id=new_id(),
                destination_id=destination_id,
                study_id=result.study_id,
                job_id=result.job_id,
                status=status,
                state=DeliveryState.QUEUED,
                fence=0,
                created_at=now,
                next_attempt_at=now,
                attempts=0,
            )
            .on_conflict_do_nothing()
        )


def _status(session: Session, study: Study, result: Result) -> ReportStatus:
    final = latest_final(session, study.id)
    reading = None
    if final is not None and final.decided_at is not None:
        reading = Reading(final.finding, final.subtype, (), final.decided_at)
    return report_status(PredictionResult.model_validate(result.prediction), reading)
