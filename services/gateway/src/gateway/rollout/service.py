"""Arranging the rollout, and reporting how far the two versions agree."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.auth.repository import UserRepository
from gateway.cursor import time_cursor, time_position
from gateway.jobs.repository import JobRepository
from gateway.models.errors import GateRefusedError, ModelNotFoundError
from gateway.models.releases import ReleaseService, lock_releases
from gateway.paging import Page
from gateway.rollout.errors import NoChallengerError
from gateway.rollout.models import Rollout
from gateway.rollout.repository import ComparisonRepository, present_rollout
from gateway.rollout.schemas import (
    AgreementReport,
    Disagreement,
    FindingCount,
    ProbabilityDifference,
    RolloutOut,
    RolloutRequest,
)
from gateway.trainings.repository import TrainingRepository
from ictus.domain.enums import RolloutMode, TrainingState
from ictus.domain.errors import NotFoundError
from ictus.model.agreement import cohens_kappa


def arrange_rollout(
    session: Session,
    releases: ReleaseService,
    wish: RolloutRequest,
    by: UUID,
    now: datetime,
) -> RolloutOut:
    """Run a challenger beside the champion from now on, or none.

    Raises:
        NoChallengerError: it is the champion itself, or no model is in use.
        ModelNotFoundError: it is not registered.
        GateRefusedError: the gate did not let it pass.
        NotApprovedError, SupersededError, ChangedContentError: a canary answers patients' scans, so it must be approved.
        UnavailableError: the registry does not answer.
    """
    lock_releases(session)
    registry = releases.registry
    champion = registry.champion()
    if wish.challenger is not None:
        _check_challenger(session, releases, wish, champion)
    session.add(
        Rollout(
            mode=wish.mode,
            champion=champion,
            challenger=wish.challenger,
            share=wish.share,
            set_at=now,
            set_by=by,
        )
    )
    session.flush()
    if wish.challenger is None:
        registry.withdraw_challenger()
    else:
        registry.challenge(wish.challenger)
    return read_rollout(session)


def read_rollout(session: Session) -> RolloutOut:
    """How a challenger runs beside the champion now, with the agreement report."""
    rollout = present_rollout(session)
    if rollout is None:
        return RolloutOut(
            mode=RolloutMode.NONE,
            champion=None,
            challenger=None,
            share=1.0,
            set_at=None,
            set_by=None,
            set_by_name=None,
            agreement=None,
        )
    agreement = None
    if rollout.champion is not None and rollout.challenger is not None:
        agreement = agreement_of(session, rollout.champion, rollout.challenger)
    names = UserRepository(session).names_of({rollout.set_by} if rollout.set_by else set())
    return RolloutOut(
        mode=rollout.mode,
        champion=rollout.champion,
        challenger=rollout.challenger,
        share=rollout.share,
        set_at=rollout.set_at,
        set_by=rollout.set_by,
        set_by_name=names.get(rollout.set_by) if rollout.set_by else None,
        agreement=agreement,
    )


def agreement_of(session: Session, champion: str, challenger: str) -> AgreementReport:
    """How far two versions said the same of the same studies."""
    comparisons = ComparisonRepository(session, champion, challenger)
    findings, figures = comparisons.findings(), comparisons.figures()
    same = sum(pair.studies for pair in findings if pair.champion is pair.challenger)
    difference = None
    if figures.with_difference:
        difference = ProbabilityDifference.model_validate(
            {**figures._asdict(), "studies": figures.with_difference}
        )
    return AgreementReport(
        champion=champion,
        challenger=challenger,
        studies=figures.studies,
        same_finding=same / figures.studies if figures.studies else None,
        same_disposition=figures.same_disposition / figures.studies if figures.studies else None,
        kappa=cohens_kappa({(pair.champion, pair.challenger): pair.studies for pair in findings}),
        findings=[FindingCount(**pair._asdict()) for pair in findings],
        difference=difference,
        first_at=figures.first_at,
        last_at=figures.last_at,
        waiting=JobRepository(session).shadows_open(),
    )


def disagreements(session: Session, site_id: UUID, cursor: str | None, limit: int) -> Page[Disagreement]:
    """The site's studies on which champion and challenger differ, newest first. Raises ``CursorError``."""
    rollout = present_rollout(session)
    if rollout is None or rollout.champion is None or rollout.challenger is None:
        return Page[Disagreement](items=[], next_cursor=None)
    found = ComparisonRepository(session, rollout.champion, rollout.challenger).disagreements(
        site_id, time_position(cursor) if cursor else None, limit + 1
    )
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    return Page[Disagreement](
        items=[Disagreement.model_validate(one) for one in page],
        next_cursor=time_cursor(last.compared_at, last.job_id) if last else None,
    )


def _check_challenger(
    session: Session,
    releases: ReleaseService,
    wish: RolloutRequest,
    champion: str | None,
) -> None:
    version = wish.challenger
    if version is None or champion is None or version == champion:
        raise NoChallengerError
    if wish.mode is RolloutMode.CANARY:
        releases.check_approved(version, champion)
        return
    training = TrainingRepository(session).of_candidate(version)
    if training is not None and training.state is TrainingState.REFUSED:
        raise GateRefusedError(
            "The gate refused this version, so it does not run on patients' scans, not even unseen."
        )
    try:
        releases.registry.manifest(version)  # refuses what is not signed with the trusted key
    except NotFoundError as error:
        raise ModelNotFoundError from error
