"""``/api/v1/trainings`` for administrators, ``/internal/v1/trainings`` for the trainer (``ictus.contracts.trainings``)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status

from gateway.audit.trail import AuditEntry, audited
from gateway.auth.caller import Caller
from gateway.cursor import CursorError
from gateway.deps import DbSession, Resources, api_router, requires, service_router
from gateway.jobs.errors import FenceLostError
from gateway.models.deps import Releases
from gateway.models.errors import (
    ChangedContentError,
    GateRefusedError,
    InUseError,
    ModelNotFoundError,
    NoModelError,
    NotApprovedError,
    SupersededError,
)
from gateway.paging import Cursor, Page, PageSize
from gateway.settings import GatewaySettings
from gateway.trainings.deps import Protocol, Trainings
from gateway.trainings.errors import (
    ApprovedAlreadyError,
    MethodUnavailableError,
    NotEnoughCasesError,
    NotTeachableError,
    OutcomeMismatchError,
    TrainingNotFoundError,
    TrainingOpenError,
    TrainingStateError,
)
from gateway.trainings.schemas import (
    ApprovalRequest,
    MethodOut,
    RejectionRequest,
    TrainingOut,
    TrainingRequest,
)
from gateway.trainings.service import freeze_dataset, material
from ictus.contracts.trainings import (
    ClaimTraining,
    CompleteTraining,
    FailTraining,
    TrainerMethods,
    TrainingHeartbeat,
    TrainingLease,
    TrainModel,
)
from ictus.domain.enums import Role
from ictus.http import problems
from ictus.model.permitted_changes import PermittedChanges, PermittedChangesError, permitted_changes

Admin = Annotated[Caller, requires(Role.ADMIN)]

router = api_router("/trainings", tag="trainings")


@router.get(
    "",
    summary="List trainings",
    dependencies=[requires(Role.ADMIN), audited("training.list", "training")],
    responses=problems(CursorError),
)
def list_trainings(trainings: Trainings, limit: PageSize = 50, cursor: Cursor = None) -> Page[TrainingOut]:
    """Newest first, with their progress, gate reports and approvals."""
    return trainings.page(cursor, limit)


@router.post(
    "",
    summary="Start a training",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        NoModelError, NotTeachableError, NotEnoughCasesError, MethodUnavailableError, TrainingOpenError
    ),
)
def request_training(
    wish: TrainingRequest,
    caller: Admin,
    session: DbSession,
    resources: Resources,
    trainings: Trainings,
    audit: Annotated[AuditEntry, audited("training.request", "training")],
) -> TrainingOut:
    """A new version learns from the confirmed cases, on top of the model in use. One at a time.

    The cases are frozen into a dataset now. Nothing that answers patients' scans changes by this.
    """
    trainings.refuse_second()
    trainings.refuse_unavailable(wish.method)
    found = material(session, resources.registry(), resources.feedback)
    needed = permitted_changes().data.minimum_cases
    if found.summary.new_cases < needed:
        raise NotEnoughCasesError(
            f"{found.summary.new_cases} new cases have been confirmed; a training needs {needed}."
        )
    dataset = freeze_dataset(resources.feedback, found.wish)
    training = trainings.queue(wish, found.base_version, dataset, caller.id)
    audit.object_id = training.id
    audit.detail.update(method=training.method, base_version=training.base_version)
    return trainings.described([training])[0]


@router.get(
    "/permitted-changes",
    summary="Read what a training may change",
    dependencies=[requires(Role.ADMIN), audited("training.read_permitted_changes")],
    responses=problems(PermittedChangesError),
)
def read_permitted_changes() -> PermittedChanges:
    """What a training may change, the data that it needs, and what its candidate must keep: the gate's bounds."""
    return permitted_changes()


@router.get(
    "/methods",
    summary="Read which ways of learning can be started",
    dependencies=[requires(Role.ADMIN), audited("training.read_methods")],
)
def read_methods(trainings: Trainings) -> list[MethodOut]:
    """Each way of learning, with what the trainer still lacks for it."""
    return trainings.methods()


@router.get(
    "/{training_id}",
    summary="Read a training",
    dependencies=[requires(Role.ADMIN), audited("training.read", "training")],
    responses=problems(TrainingNotFoundError),
)
def read_training(training_id: UUID, trainings: Trainings) -> TrainingOut:
    """Its progress while it runs; what the gate said and who approved once it has ended."""
    return trainings.described([trainings.get(training_id)])[0]


@router.post(
    "/{training_id}/cancel",
    summary="Cancel a training",
    dependencies=[requires(Role.ADMIN), audited("training.cancel", "training")],
    responses=problems(TrainingNotFoundError, TrainingStateError),
)
def cancel_training(training_id: UUID, trainings: Trainings) -> TrainingOut:
    """A waiting one ends at once; a running one when the trainer next reports."""
    return trainings.described([trainings.cancel(training_id)])[0]


@router.post(
    "/{training_id}/approve",
    summary="Approve a candidate",
    responses=problems(
        TrainingNotFoundError,
        TrainingStateError,
        ApprovedAlreadyError,
        ModelNotFoundError,
        GateRefusedError,
        NotApprovedError,
        SupersededError,
        InUseError,
        ChangedContentError,
    ),
)
def approve_training(
    training_id: UUID,
    caller: Admin,
    trainings: Trainings,
    releases: Releases,
    audit: Annotated[AuditEntry, audited("training.approve", "training")],
    wish: ApprovalRequest | None = None,
) -> TrainingOut:
    """The last approval needed puts the model to use, unless it asks not to."""
    training, approved = trainings.approve(training_id, caller.id)
    publish = approved and (wish is None or wish.publish)
    audit.detail.update(version=training.candidate_version, published=publish)
    if publish:
        releases.promote(training.candidate_version, caller.id)
    return trainings.described([training])[0]


@router.post(
    "/{training_id}/reject",
    summary="Reject a candidate",
    responses=problems(TrainingNotFoundError, TrainingStateError),
)
def reject_training(
    training_id: UUID,
    wish: RejectionRequest,
    caller: Admin,
    trainings: Trainings,
    audit: Annotated[AuditEntry, audited("training.reject", "training")],
) -> TrainingOut:
    """It is kept, with the reason, and can never be put to use."""
    training = trainings.reject(training_id, caller.id, wish.reason)
    audit.detail["version"] = training.candidate_version
    return trainings.described([training])[0]


def internal_router(settings: GatewaySettings) -> APIRouter:
    """The training protocol."""
    protocol = service_router("/trainings", tag="trainings", token=settings.trainer_token.get_secret_value())

    @protocol.post(
        "/claim",
        responses={204: {"description": "Nothing waits."}},
        response_model=TrainModel,
        dependencies=[audited("training.claim", "training")],
    )
    def claim_training(request: ClaimTraining, trainer: Protocol) -> TrainModel | Response:
        return trainer.claim(request) or Response(status_code=status.HTTP_204_NO_CONTENT)

    @protocol.put(
        "/methods",
        status_code=status.HTTP_204_NO_CONTENT,
        dependencies=[audited("training.note_methods")],
    )
    def note_methods(said: TrainerMethods, trainer: Protocol) -> None:
        trainer.note_methods(said)

    @protocol.post("/{training_id}/heartbeat", responses=problems(TrainingNotFoundError, FenceLostError))
    def keep_training(
        training_id: UUID,
        beat: TrainingHeartbeat,
        trainer: Protocol,
        audit: Annotated[AuditEntry, audited("training.keep", "training")],
    ) -> TrainingLease:
        audit.detail["fence"] = beat.fence
        return trainer.heartbeat(training_id, beat)

    @protocol.post(
        "/{training_id}/complete",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=problems(TrainingNotFoundError, FenceLostError, OutcomeMismatchError),
    )
    def complete_training(
        training_id: UUID,
        answer: CompleteTraining,
        trainer: Protocol,
        audit: Annotated[AuditEntry, audited("training.complete", "training")],
    ) -> None:
        audit.detail["fence"] = answer.fence
        trainer.complete(training_id, answer)

    @protocol.post(
        "/{training_id}/fail",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=problems(TrainingNotFoundError, FenceLostError),
    )
    def fail_training(
        training_id: UUID,
        failure: FailTraining,
        trainer: Protocol,
        audit: Annotated[AuditEntry, audited("training.fail", "training")],
    ) -> None:
        audit.detail["fence"] = failure.fence
        trainer.fail(training_id, failure)

    return protocol
