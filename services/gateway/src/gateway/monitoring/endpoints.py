"""``/api/v1/monitoring``."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from gateway.deps import Clock, DbSession, Settings, api_router, audited, requires
from gateway.monitoring.repository import Watch
from gateway.monitoring.schemas import Monitoring
from gateway.monitoring.service import MonitoringService, alarm_limits, windows
from gateway.sites.errors import SiteNotFoundError
from gateway.sites.repository import SiteRepository
from ictus.domain.enums import Modality, Role
from ictus.http import problems

router = api_router("/monitoring", tag="monitoring")


@router.get(
    "",
    summary="See volumes, drift and agreement",
    dependencies=[requires(Role.ADMIN), audited("monitoring.read", "monitoring")],
    responses=problems(SiteNotFoundError),
)
def read_monitoring(
    session: DbSession,
    settings: Settings,
    clock: Clock,
    site_id: UUID | None = None,
    modality: Modality | None = None,
    days: Annotated[int, Query(ge=1, le=366, description="Of the current window, today included.")] = 30,
    reference_days: Annotated[
        int, Query(ge=1, le=1095, description="Of the reference window, which lies right before it.")
    ] = 90,
) -> Monitoring:
    """What the model is given and says now, against a reference window: counts only, over all sites unless one is named."""
    if site_id is not None:
        SiteRepository(session).require(site_id)
    watch = Watch(*windows(clock(), days, reference_days), site_id=site_id, modality=modality)
    return MonitoringService(session, watch, alarm_limits(settings)).look()
