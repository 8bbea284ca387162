"""Trainings that start by themselves: when enough new cases wait, or long enough after the last one."""

from datetime import datetime, timedelta

import structlog

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.models.errors import NoModelError
from gateway.resources import Resources
from gateway.trainings.doorbell import trainer_bell
from gateway.trainings.errors import NotEnoughCasesError, NotTeachableError, TrainingOpenError
from gateway.trainings.models import Training
from gateway.trainings.policy import TrainingPolicy
from gateway.trainings.repository import TrainingRepository
from gateway.trainings.schemas import TrainingRequest
from gateway.trainings.service import Material, TrainingService, freeze_dataset, material
from ictus.contracts.cases import CaseSummary
from ictus.domain.enums import TrainingState
from ictus.domain.errors import UnavailableError
from ictus.model.permitted_changes import permitted_changes

_AGAIN_AFTER = timedelta(days=1)
"""A training that failed, or whose candidate the gate refused, is not repeated by itself within this time."""

_log = structlog.get_logger(__name__)


def is_due(latest: Training | None, cases: CaseSummary, policy: TrainingPolicy, now: datetime) -> bool:
    """Whether a training should start by itself.

    Args:
        latest: the training that was asked for last.
        cases: what there is to learn from.
        policy: from how many new cases on, and how often.
        now: the present time.
    """
    # What a version learned from that was refused or taken back is still new to the model in use; alone it would give the
    # same candidate again. A training that failed gave none.
    has_failed = latest is not None and latest.state is TrainingState.FAILED
    waiting = cases.new_cases if has_failed else cases.untried_cases
    if waiting == 0 or cases.new_cases < permitted_changes().data.minimum_cases:
        return False
    if latest is not None:
        if latest.state.is_open or latest.state is TrainingState.AWAITING_APPROVAL:
            return False
        if now - latest.requested_at < _AGAIN_AFTER and latest.state is not TrainingState.PUBLISHED:
            return False
    if policy.new_cases is not None and waiting >= policy.new_cases:
        return True
    since = latest.requested_at if latest is not None else cases.oldest_new_at
    return policy.every is not None and since is not None and now - since >= policy.every


def start_training_if_due(resources: Resources) -> bool:
    """Queue a training when one is due; whether that was so."""
    policy = TrainingPolicy.of(resources.settings)
    if policy.new_cases is None and policy.every is None:
        return False
    try:
        with resources.sessions() as session:
            latest = TrainingRepository(session).latest()
            found = material(session, resources.registry(), resources.feedback)
        if not is_due(latest, found.summary, policy, resources.clock()):
            return False
        return _start(resources, found, policy)
    except (NoModelError, NotTeachableError, NotEnoughCasesError, TrainingOpenError) as error:
        _log.info("training_not_started", code=error.code)
    except UnavailableError as error:
        _log.warning("training_not_started", code=error.code, exc_info=error)
    return False


def _start(resources: Resources, found: Material, policy: TrainingPolicy) -> bool:
    dataset = freeze_dataset(resources.feedback, found.wish)
    now = resources.clock()
    with resources.sessions.begin() as session:
        trainings = TrainingService(session, now, policy.approvals, trainer_bell(session, resources.celery))
        training = trainings.queue(TrainingRequest(), found.base_version, dataset, None)
        AuditEntry(
            action="training.request",
            object_type="training",
            object_id=training.id,
            actor_kind=ActorKind.SYSTEM,
            detail={"new_cases": dataset.new_cases, "base_version": training.base_version},
        ).write(session, now)
    _log.info("training_started", training_id=str(training.id), new_cases=dataset.new_cases)
    return True
