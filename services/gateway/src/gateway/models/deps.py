"""Changing the model in use, as a dependency of request handlers."""

from functools import partial
from typing import Annotated

from fastapi import Depends

from gateway.database import after_commit
from gateway.deps import DbSession, Resources
from gateway.models.doorbell import ring_workers
from gateway.models.releases import ReleaseService


def get_releases(session: DbSession, resources: Resources) -> ReleaseService:
    """The releases of this request; the workers are told after its commit."""

    def ring() -> None:
        after_commit(session, resources.champion.ask_anew)
        after_commit(session, partial(ring_workers, resources.redis))

    return ReleaseService(
        session, resources.registry, resources.clock(), resources.settings.training_approvals, ring
    )


Releases = Annotated[ReleaseService, Depends(get_releases)]
