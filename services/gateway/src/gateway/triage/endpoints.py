"""Alerts and clocks: ``/api/v1/studies/{study_id}/acknowledge``, ``…/clock``, ``/api/v1/alerts``, ``/api/v1/admin/clocks``."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from gateway.auth.models import Scope
from gateway.deps import Caller, Cipher, Clock, DbSession, api_router, audited, requires
from gateway.paging import PageSize
from gateway.triage.errors import NoAlertError
from gateway.triage.schemas import OpenAlert, StudyClock
from gateway.triage.service import Triage, csv_lines
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError
from ictus.http import problems

_MOST_EXPORTED: Final = 10_000

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_READ)]
Carer = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST)]
Admin = Annotated[Caller, requires(Role.ADMIN)]

studies = api_router("/studies", tag="studies")
alerts = api_router("/alerts", tag="studies")
exports = api_router("/admin/clocks", tag="admin")


@studies.post(
    "/{study_id}/acknowledge",
    summary="Take a likely stroke on",
    responses=problems(NotFoundError, NoAlertError),
    dependencies=[audited("study.acknowledge", "study")],
)
def acknowledge_study(study_id: UUID, caller: Carer, session: DbSession, clock: Clock) -> StudyClock:
    """Says that the caller has seen the alert and acts on it. The first one counts; again changes nothing."""
    return Triage(session, caller.site_id, clock()).acknowledge(study_id, caller.id)


@studies.get(
    "/{study_id}/clock",
    summary="Read a study's clock",
    responses=problems(NotFoundError),
    dependencies=[audited("study.read_clock", "study")],
)
def read_study_clock(study_id: UUID, caller: Reader, session: DbSession, clock: Clock) -> StudyClock:
    """When it was received, analysed, seen, acknowledged and reported."""
    return Triage(session, caller.site_id, clock()).clock(study_id)


@alerts.get("", summary="List the open alerts", dependencies=[audited("alert.list", "study")])
def list_alerts(
    caller: Reader, session: DbSession, cipher: Cipher, clock: Clock, limit: PageSize = 50
) -> list[OpenAlert]:
    """Likely strokes of the site that nobody has taken on and no reader has decided, the longest waiting first."""
    return Triage(session, caller.site_id, clock()).open_alerts(cipher, limit)


@exports.get(
    "",
    summary="Export the clocks",
    response_class=Response,
    responses={
        200: {
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "description": "One line for each study, the first received first; 10,000 at most.",
        }
    },
    dependencies=[audited("clock.export", "study")],
)
def export_clocks(
    caller: Admin,
    session: DbSession,
    clock: Clock,
    since: Annotated[AwareDatetime, Query(description="Received then or later.")],
    until: Annotated[AwareDatetime, Query(description="Received before.")],
) -> Response:
    """The clocks of the site's studies as CSV, by ids alone: nothing in it tells who a patient is."""
    found = Triage(session, caller.site_id, clock()).clocks(since, until, _MOST_EXPORTED)
    headers = {"Content-Disposition": 'attachment; filename="ictus-clocks.csv"'}
    return Response(csv_lines(found), media_type="text/csv; charset=utf-8", headers=headers)


router = APIRouter()
router.include_router(studies)
router.include_router(alerts)
router.include_router(exports)
