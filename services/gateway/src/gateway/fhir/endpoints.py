"""``/api/v1/fhir``."""

from importlib.metadata import version
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Request, Response, status
from starlette.responses import JSONResponse

from gateway.addresses import base_address
from gateway.auth.permissions import ORDER, Interaction, Permission, ResourceType
from gateway.cursor import CursorError
from gateway.deps import AuditEntry, Caller, DbSession, Queue, Resources, Settings, audited, requires
from gateway.fhir.bundle import searchset
from gateway.fhir.capability import capability_statement, smart_configuration
from gateway.fhir.criteria import Parameters
from gateway.fhir.errors import (
    FormatRefusedError,
    IdentityInAddressError,
    IdentitySearchRefusedError,
    OrderRefusedError,
    SearchRefusedError,
)
from gateway.fhir.orders import OrderService, read_order
from gateway.fhir.outcome import FHIR_MEDIA_TYPE, operation_outcomes
from gateway.fhir.resources import RESOURCES
from gateway.fhir.routes import (
    Base,
    asked_parameters,
    bounded_body,
    fhir_router,
    json_only,
    posted_parameters,
    resource_answer,
    versioned_headers,
)
from gateway.fhir.service import FhirService
from gateway.jobs.deps import Jobs
from gateway.jobs.errors import AnalysisOpenError, QueueFullError
from gateway.oauth.endpoints import TOKEN_PATH
from gateway.pulls.tasks import ring_after_commit
from gateway.reports.errors import ReportNotReadyError
from gateway.studies.errors import StudyHeldError
from ictus.domain.enums import Role
from ictus.domain.errors import NotFoundError, TooLargeError

router = fhir_router()

_PEOPLE: Final = (Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN)
_RESOURCE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {FHIR_MEDIA_TYPE: {"schema": {"type": "object"}}}, "description": "The resource."}
}
_BUNDLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {FHIR_MEDIA_TYPE: {"schema": {"type": "object"}}}, "description": "A searchset."}
}
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The copy at hand still is the resource."}
}
_SEARCH_ERRORS: Final = (
    SearchRefusedError,
    IdentityInAddressError,
    IdentitySearchRefusedError,
    FormatRefusedError,
    CursorError,
)
_OBJECTS: Final = {
    ResourceType.PATIENT: "patient",
    ResourceType.SERVICE_REQUEST: "job",
    ResourceType.IMAGING_STUDY: "study",
    ResourceType.DIAGNOSTIC_REPORT: "study",
    ResourceType.OBSERVATION: "job",
    ResourceType.DEVICE: "model",
    ResourceType.PROVENANCE: "job",
}
"""What the audit trail calls that which a resource is made of."""


def _query(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


_COUNT: Final = _query("_count", "Matches of a page; 200 at most.", type="integer", minimum=1, default=50)
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
        "description": "Search parameters.",
    }
}


@router.get(
    "/metadata",
    summary="Read the CapabilityStatement",
    response_class=Response,
    responses=_RESOURCE | operation_outcomes(FormatRefusedError),
    dependencies=[audited("fhir.metadata"), Depends(json_only)],
)
def read_capability_statement(base: Base) -> Response:
    """What this FHIR server can do; open to everybody."""
    return resource_answer(capability_statement(base, version("ictus-gateway")))


@router.get(
    "/.well-known/smart-configuration",
    summary="Read SMART's configuration",
    dependencies=[audited("fhir.smart_configuration")],
)
def read_smart_configuration(request: Request, settings: Settings) -> JSONResponse:
    """Where tokens come from and what they can be for; open to everybody."""
    return JSONResponse(smart_configuration(base_address(request, settings) + TOKEN_PATH))


@router.get(
    "/Binary/{study_id}",
    summary="Read a report's PDF",
    response_class=Response,
    responses={
        200: {
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The report, A4.",
        },
        **operation_outcomes(NotFoundError, ReportNotReadyError),
    },
    dependencies=[
        requires(*_PEOPLE, scope=Permission(ResourceType.DIAGNOSTIC_REPORT, Interaction.READ)),
        audited("fhir.binary.read", "study"),
    ],
)
def read_report_binary(
    study_id: UUID,
    caller: Annotated[Caller, requires(*_PEOPLE, scope=Permission(ResourceType.PATIENT, Interaction.READ))],
    session: DbSession,
    resources: Resources,
    base: Base,
) -> Response:
    """What `presentedForm.url` of a DiagnosticReport names. It shows the patient's name."""
    return Response(
        FhirService(session, resources, caller, base).document(study_id), media_type="application/pdf"
    )


@router.post(
    f"/{ResourceType.SERVICE_REQUEST}",
    status_code=status.HTTP_201_CREATED,
    summary="Order an analysis",
    response_class=Response,
    responses={
        200: {
            "content": {FHIR_MEDIA_TYPE: {"schema": {"type": "object"}}},
            "description": "The order that is there: the same study is being fetched already.",
        },
        201: {
            "content": {FHIR_MEDIA_TYPE: {"schema": {"type": "object"}}},
            "description": "The order; `Location` is its address.",
        },
        **operation_outcomes(
            OrderRefusedError,
            IdentitySearchRefusedError,
            AnalysisOpenError,
            StudyHeldError,
            QueueFullError,
            TooLargeError,
            FormatRefusedError,
        ),
    },
    dependencies=[Depends(json_only)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {FHIR_MEDIA_TYPE: {"schema": {"type": "object"}}},
            "description": "A ServiceRequest: `status` active, `intent` order, `subject`, and in `supportingInfo` the study.",
        }
    },
)
def create_servicerequest(
    caller: Annotated[Caller, requires(*_PEOPLE, scope=ORDER)],
    session: DbSession,
    resources: Resources,
    jobs: Jobs,
    base: Base,
    queue: Queue,
    audit: Annotated[AuditEntry, audited("fhir.servicerequest.create", "job")],
    body: Annotated[bytes, Depends(bounded_body)],
) -> Response:
    """Have a study analysed (again). `supportingInfo` names it by reference or by identifier.

    One that is not here is fetched from the site's archives first: the order is `active`, and `revoked` with the reason when
    that fails. `priority` stat, asap and urgent make it STAT. The order's id is the job's.
    """
    order = OrderService(session, resources, caller, jobs).place(read_order(body))
    audit.object_id = order.id
    audit.detail["fetched"] = order.is_fetched
    session.flush()
    if order.is_fetched:
        ring_after_commit(session, queue)
    service = FhirService(session, resources, caller, base)
    facts, written = service.read(ResourceType.SERVICE_REQUEST, str(order.id))
    headers = versioned_headers(facts) | {"Location": f"{base}/{ResourceType.SERVICE_REQUEST}/{order.id}"}
    return resource_answer(written, status.HTTP_201_CREATED if order.is_new else status.HTTP_200_OK, headers)


def _add_routes(resource: ResourceType) -> None:
    """Read, search, and search with the parameters in the body."""
    known = _OBJECTS[resource]
    search_permission = requires(*_PEOPLE, scope=Permission(resource, Interaction.SEARCH))
    read_audit = audited(f"fhir.{resource.lower()}.read", known)
    search_audit = audited(f"fhir.{resource.lower()}.search", known)

    def read(
        resource_id: str,
        caller: Annotated[Caller, requires(*_PEOPLE, scope=Permission(resource, Interaction.READ))],
        session: DbSession,
        resources: Resources,
        base: Base,
        audit: Annotated[AuditEntry, read_audit],
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        facts, written = FhirService(session, resources, caller, base).read(resource, resource_id)
        audit.object_id = written.id
        headers = versioned_headers(facts)
        if if_none_match is not None and headers["ETag"] in {one.strip() for one in if_none_match.split(",")}:
            return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return resource_answer(written, headers=headers)

    def search(
        caller: Annotated[Caller, search_permission],
        session: DbSession,
        resources: Resources,
        base: Base,
        parameters: Annotated[Parameters, Depends(asked_parameters)],
    ) -> Response:
        found = FhirService(session, resources, caller, base).search(resource, parameters, in_address=True)
        return resource_answer(searchset(base, resource, found, resources.cipher))

    def search_by_post(
        caller: Annotated[Caller, search_permission],
        session: DbSession,
        resources: Resources,
        base: Base,
        parameters: Annotated[Parameters, Depends(posted_parameters)],
    ) -> Response:
        found = FhirService(session, resources, caller, base).search(resource, parameters, in_address=False)
        return resource_answer(searchset(base, resource, found, resources.cipher))

    about = RESOURCES[resource].about
    parameters = [
        _query(name, "See /metadata.", type="string")
        for name in (
            "_id",
            "_lastUpdated",
            "_page",
            "_include",
            *sorted(RESOURCES[resource].search.parameters),
        )
    ]
    router.add_api_route(
        f"/{resource}/_search",
        search_by_post,
        methods=["POST"],
        name=f"search_{resource.lower()}_by_post",
        summary=f"Search {resource}, parameters in the body",
        description=f"{about} What identifies a patient is asked for by this way only.",
        response_class=Response,
        responses=_BUNDLE | operation_outcomes(*_SEARCH_ERRORS, TooLargeError),
        dependencies=[search_audit, Depends(json_only)],
        openapi_extra=_FORM,
    )
    router.add_api_route(
        f"/{resource}/{{resource_id}}",
        read,
        methods=["GET"],
        name=f"read_{resource.lower()}",
        summary=f"Read a {resource}",
        description=about,
        response_class=Response,
        responses=_RESOURCE | _NOT_MODIFIED | operation_outcomes(NotFoundError, FormatRefusedError),
        dependencies=[Depends(json_only)],
    )
    router.add_api_route(
        f"/{resource}",
        search,
        methods=["GET"],
        name=f"search_{resource.lower()}",
        summary=f"Search {resource}",
        description=about,
        response_class=Response,
        responses=_BUNDLE | operation_outcomes(*_SEARCH_ERRORS),
        dependencies=[search_audit, Depends(json_only)],
        openapi_extra={"parameters": [_COUNT, *parameters]},
    )


for _resource_type in ResourceType:
    _add_routes(_resource_type)
