"""``/api/v1/models``: the model in use, all versions, releases, and the rollout of a challenger."""

from typing import Annotated

from fastapi import Path

from gateway.auth.caller import Caller
from gateway.auth.models import Scope
from gateway.cursor import CursorError, decode_cursor, encode_cursor
from gateway.deps import AuditEntry, Clock, DbSession, Resources, Settings, api_router, audited, requires
from gateway.models.deps import Releases
from gateway.models.errors import (
    ChangedContentError,
    GateRefusedError,
    InUseError,
    ModelNotFoundError,
    NeverInUseError,
    NoEarlierModelError,
    NoModelError,
    NotApprovedError,
    SupersededError,
)
from gateway.models.overview import VersionReader
from gateway.models.schemas import CurrentModel
from gateway.models.versions import ModelDetail, ModelOverview, ReleaseOut, RollbackRequest
from gateway.paging import Cursor, Page, PageSize
from gateway.rollout.errors import NoChallengerError
from gateway.rollout.schemas import Disagreement, RolloutOut, RolloutRequest
from gateway.rollout.service import arrange_rollout, disagreements, read_rollout
from gateway.trainings.deps import Trainings
from ictus.domain.enums import Role
from ictus.http import problems
from ictus.model.manifest import ModelRefusedError

ADMIN_ONLY = requires(Role.ADMIN)
Admin = Annotated[Caller, ADMIN_ONLY]
Version = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]

router = api_router("/models", tag="models")


@router.get(
    "/current",
    summary="Read the model in use",
    dependencies=[requires(scope=Scope.STUDIES_READ)],
    responses=problems(NoModelError),
)
def read_current_model(
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("model.read", "model")],
) -> CurrentModel:
    """What the model that answers now is validated for, how it did in tests and where its limits are.

    While the registry is away, what it last said is given, with the time of that.
    """
    session.commit()
    current = CurrentModel.of(*resources.champion.current())
    audit.object_id = current.version
    return current


@router.get(
    "",
    summary="List model versions",
    dependencies=[ADMIN_ONLY, audited("model.list", "model")],
    responses=problems(ModelRefusedError),
)
def list_models(session: DbSession, releases: Releases, settings: Settings) -> ModelOverview:
    """Every registered version, newest first, with the champion and its challenger side by side."""
    return VersionReader(session, releases, settings.training_approvals).overview()


@router.get(
    "/releases",
    summary="List changes of the model in use",
    dependencies=[ADMIN_ONLY, audited("model.list_releases", "model")],
    responses=problems(CursorError),
)
def list_releases(releases: Releases, limit: PageSize = 50, cursor: Cursor = None) -> Page[ReleaseOut]:
    """Promotions and rollbacks, newest first."""
    found = releases.page(_release_before(cursor) if cursor else None, limit + 1)
    items = releases.described(found[:limit])
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if len(found) > limit else None)


@router.post(
    "/rollback",
    summary="Roll back to an earlier model",
    responses=problems(NoModelError, NoEarlierModelError, NeverInUseError, InUseError, ModelNotFoundError),
)
def roll_back_model(
    caller: Admin,
    releases: Releases,
    audit: Annotated[AuditEntry, audited("model.roll_back", "model")],
    wish: RollbackRequest | None = None,
) -> ReleaseOut:
    """At once: the workers are told, and running analyses end with the model that they began with.

    A challenger that ran beside the model in use runs no more.
    """
    wish = wish or RollbackRequest()
    release = releases.roll_back(wish.to, caller.id, wish.reason)
    audit.object_id = release.version
    audit.detail["previous"] = release.previous
    return releases.described([release])[0]


@router.get(
    "/rollout",
    summary="Read how a challenger runs beside the model in use",
    dependencies=[ADMIN_ONLY, audited("rollout.read", "rollout")],
)
def read_model_rollout(session: DbSession) -> RolloutOut:
    """Shadow, canary or none, and how far champion and challenger agree on the same studies."""
    return read_rollout(session)


@router.put(
    "/rollout",
    summary="Run a challenger beside the model in use",
    responses=problems(
        NoChallengerError,
        ModelNotFoundError,
        GateRefusedError,
        NotApprovedError,
        SupersededError,
        ChangedContentError,
        ModelRefusedError,
    ),
)
def arrange_model_rollout(
    wish: RolloutRequest,
    caller: Admin,
    session: DbSession,
    clock: Clock,
    releases: Releases,
    audit: Annotated[AuditEntry, audited("rollout.arrange", "rollout")],
) -> RolloutOut:
    """Shadow: it answers the same studies, unseen by clinicians. Canary: it answers a share of the studies.

    A canary must have passed the gate and been approved, as a model in use must. Any change of the model in use ends it.
    """
    audit.object_id = wish.challenger
    audit.detail.update(mode=wish.mode, percent=round(100 * wish.share))
    return arrange_rollout(session, releases, wish, caller.id, clock())


@router.get(
    "/rollout/disagreements",
    summary="List studies on which champion and challenger differ",
    dependencies=[audited("rollout.list_disagreements", "rollout")],
    responses=problems(CursorError),
)
def list_disagreements(
    caller: Admin, session: DbSession, limit: PageSize = 50, cursor: Cursor = None
) -> Page[Disagreement]:
    """Of the administrator's own site, newest first: another finding or another disposition."""
    return disagreements(session, caller.site_id, cursor, limit)


@router.get(
    "/{version}",
    summary="Read a model version",
    dependencies=[ADMIN_ONLY],
    responses=problems(ModelNotFoundError, ModelRefusedError),
)
def read_model(
    version: Version,
    session: DbSession,
    releases: Releases,
    trainings: Trainings,
    settings: Settings,
    audit: Annotated[AuditEntry, audited("model.read", "model")],
) -> ModelDetail:
    """What it says of itself, and the training, gate report and approvals that it came by."""
    detail = VersionReader(session, releases, settings.training_approvals).detail(version, trainings)
    audit.object_id = detail.registered.version
    return detail


@router.post(
    "/{version}/promote",
    summary="Put an approved version to use",
    responses=problems(
        ModelNotFoundError,
        GateRefusedError,
        NotApprovedError,
        SupersededError,
        InUseError,
        ChangedContentError,
        ModelRefusedError,
    ),
)
def promote_model(
    version: Version,
    caller: Admin,
    releases: Releases,
    audit: Annotated[AuditEntry, audited("model.promote", "model")],
) -> ReleaseOut:
    """Only what passed the gate and was approved; the last approval does this by itself unless it asks not to."""
    audit.object_id = version
    release = releases.promote(version, caller.id)
    audit.detail["previous"] = release.previous
    return releases.described([release])[0]


def _release_before(cursor: str) -> int:
    (release_id,) = decode_cursor(cursor, 1)
    try:
        return int(release_id)
    except ValueError:
        raise CursorError from None
