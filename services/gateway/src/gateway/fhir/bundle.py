"""The Bundle of a search: matches, includes, and links to this page and the next."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.resource import Resource

from gateway.auth.permissions import ResourceType
from gateway.fhir.criteria import page_token
from gateway.fhir.service import Found
from gateway.identity import IdentityCipher

_IDENTIFYING: Final = frozenset({"identifier"})


def searchset(base: str, resource: ResourceType, found: Found, cipher: IdentityCipher) -> Bundle:
    """A page as a searchset (FHIR R4, 3.1.1.5). The links never hold what identifies a patient."""
    shown = [(name, value) for name, value in found.parameters if name not in _IDENTIFYING]
    links = [{"relation": "self", "url": _address(base, resource, shown)}]
    if found.next_position is not None:
        token = page_token(cipher, found.parameters, found.next_position)
        links.append({"relation": "next", "url": _address(base, resource, [("_page", token)])})
    entries = [_entry(base, one, "match") for one in found.matches]
    entries += [_entry(base, one, "include") for one in found.included]
    told: dict[str, Any] = {"type": "searchset", "link": links}
    if entries:
        told["entry"] = entries
    return Bundle.model_validate(told)


def _entry(base: str, resource: Resource, mode: str) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{resource.get_resource_type()}/{resource.id}",
        "resource": resource,
        "search": {"mode": mode},
    }


def _address(base: str, resource: ResourceType, parameters: Sequence[tuple[str, str]]) -> str:
    query = urlencode(parameters, safe=":,/")
    return f"{base}/{resource}" + (f"?{query}" if query else "")
