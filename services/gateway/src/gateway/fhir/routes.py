"""Routes below the FHIR base: their answers, their errors, and what was asked of them."""

from typing import Annotated, Any, ClassVar, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response, status
from fhir.resources.R4B.resource import Resource

from gateway.addresses import base_address
from gateway.deps import API_PREFIX, Settings
from gateway.fhir.criteria import Parameters
from gateway.fhir.errors import FormatRefusedError, IdentityInAddressError, SearchRefusedError
from gateway.fhir.facts import Versioned
from gateway.fhir.outcome import FHIR_MEDIA_TYPE, operation_outcomes
from gateway.transactions import AuditedRoute
from ictus.domain.errors import TooLargeError

FHIR_PATH: Final = f"{API_PREFIX}/fhir"
LARGEST_BODY: Final = 64 * 1024
"""Bytes of a search's or a resource's body."""

_MOST_PARAMETERS: Final = 100
_JSON: Final = ("application/fhir+json", "application/json", "application/*", "*/*")


class FhirRoute(AuditedRoute):
    """An audited route whose errors are OperationOutcomes."""

    describe_errors: ClassVar[Any] = staticmethod(operation_outcomes)


def fhir_router() -> APIRouter:
    """A router below the FHIR base."""
    return APIRouter(prefix=FHIR_PATH, tags=["fhir"], route_class=FhirRoute)


def _base(request: Request, settings: Settings) -> str:
    return base_address(request, settings) + FHIR_PATH


Base = Annotated[str, Depends(_base)]
"""The FHIR base's address."""


def json_only(request: Request) -> None:
    """Raise ``FormatRefusedError`` when only another format than JSON would do."""
    wanted = request.query_params.get("_format") or request.headers.get("Accept") or "*/*"
    offered = [one.split(";")[0].strip().lower() for one in wanted.split(",")]
    if not any(one in _JSON or one.endswith("json") for one in offered):
        raise FormatRefusedError


async def bounded_body(request: Request) -> bytes:
    """The body, if it is no larger than one should be. Raises ``TooLargeError``."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise TooLargeError("The body is larger than a request here can be.")
    return bytes(body)


async def posted_parameters(request: Request) -> Parameters:
    """A search's parameters: those of the body, then those of the address.

    Raises:
        IdentityInAddressError: a patient's number stands in the address all the same.
        TooLargeError: the body is larger than a search can be.
    """
    if "identifier" in request.query_params:
        raise IdentityInAddressError
    body = (await bounded_body(request)).decode("utf-8", "replace")
    try:
        posted = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise SearchRefusedError(f"A search has {_MOST_PARAMETERS} parameters at most.") from None
    return [*posted, *asked_parameters(request)]


def asked_parameters(request: Request) -> Parameters:
    """A search's parameters from the address."""
    return [(name, value) for name, value in request.query_params.multi_items()]


def resource_answer(
    resource: Resource, status_code: int = status.HTTP_200_OK, headers: dict[str, str] | None = None
) -> Response:
    """A resource as JSON."""
    return Response(resource.model_dump_json(), status_code, headers, media_type=FHIR_MEDIA_TYPE)


def versioned_headers(facts: Versioned) -> dict[str, str]:
    """ETag and Last-Modified of a resource (FHIR R4, 3.1.0.1.3)."""
    return {"ETag": f'W/"{facts.version}"', "Last-Modified": f"{facts.updated:%a, %d %b %Y %H:%M:%S} GMT"}
