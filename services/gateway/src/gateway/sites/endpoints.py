"""Sites, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import status

from gateway.deps import AuditEntry, Clock, DbSession, api_router, audited, requires
from gateway.sites.errors import SiteInUseError, SiteNameTakenError, SiteNotFoundError
from gateway.sites.schemas import SiteDraft, SiteOut
from gateway.sites.service import SiteService
from ictus.domain.enums import Role
from ictus.http import problems

router = api_router("/admin/sites", tag="admin")

ADMIN_ONLY = requires(Role.ADMIN)


@router.get("", summary="List the sites", dependencies=[ADMIN_ONLY, audited("site.list", "site")])
def list_sites(session: DbSession) -> list[SiteOut]:
    """Every site, by name."""
    return [SiteOut.model_validate(site) for site in SiteService(session).list()]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Make a site",
    dependencies=[ADMIN_ONLY],
    responses=problems(SiteNameTakenError),
)
def create_site(
    draft: SiteDraft,
    session: DbSession,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("site.create", "site")],
) -> SiteOut:
    """Makes a site that people, keys and studies can belong to."""
    site = SiteService(session).create(draft.name, clock())
    audit.object_id = site.id
    return SiteOut.model_validate(site)


@router.patch(
    "/{site_id}",
    summary="Rename a site",
    dependencies=[ADMIN_ONLY, audited("site.rename", "site")],
    responses=problems(SiteNotFoundError, SiteNameTakenError),
)
def rename_site(site_id: UUID, draft: SiteDraft, session: DbSession) -> SiteOut:
    """Gives a site another name."""
    return SiteOut.model_validate(SiteService(session).rename(site_id, draft.name))


@router.delete(
    "/{site_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an empty site",
    dependencies=[ADMIN_ONLY, audited("site.delete", "site")],
    responses=problems(SiteNotFoundError, SiteInUseError),
)
def delete_site(site_id: UUID, session: DbSession) -> None:
    """Deletes a site that nobody and nothing belongs to."""
    SiteService(session).delete(site_id)
