"""``/api/v1/admin/operations``."""

from gateway.deps import DbSession, Resources, api_router, audited, requires
from gateway.operations.schemas import Operations
from gateway.operations.service import look
from ictus.domain.enums import Role

router = api_router("/admin/operations", tag="admin")


@router.get(
    "",
    summary="See how the installation does",
    dependencies=[requires(Role.ADMIN), audited("operations.read", "operations")],
)
def read_operations(resources: Resources, session: DbSession) -> Operations:
    """Whether each part answers, how long answers took in the last day, what waits, and who works. Over all sites."""
    return look(resources, session)
