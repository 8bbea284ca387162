"""Keeping what two versions said of a study."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.rollout.models import Comparison
from gateway.rollout.repository import present_rollout
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import RolloutMode


def record_comparison(
    session: Session,
    site_id: UUID,
    study_id: UUID,
    job_id: UUID,
    seen: PredictionResult,
    unseen: PredictionResult,
    now: datetime,
) -> None:
    """Keep what two versions said of a study, unless the rollout that asked for it is over."""
    rollout = present_rollout(session)
    if rollout is None or rollout.mode is RolloutMode.NONE:
        return
    by_version = {seen.model_version: seen, unseen.model_version: unseen}
    champion = by_version.get(rollout.champion or "")
    challenger = by_version.get(rollout.challenger or "")
    if champion is None or challenger is None:
        return
    session.add(
        Comparison(
            job_id=job_id,
            study_id=study_id,
            site_id=site_id,
            compared_at=now,
            champion=champion.model_version,
            challenger=challenger.model_version,
            champion_finding=champion.finding,
            challenger_finding=challenger.finding,
            champion_disposition=champion.disposition,
            challenger_disposition=challenger.disposition,
            champion_probability=champion.stroke_probability,
            challenger_probability=challenger.stroke_probability,
        )
    )
