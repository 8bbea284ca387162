"""``/api/v1/models``."""

from typing import Annotated

from gateway.auth.models import Scope
from gateway.deps import AuditEntry, DbSession, Resources, api_router, audited, requires
from gateway.models.errors import NoModelError
from gateway.models.schemas import CurrentModel
from ictus.http import problems

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
