"""The CapabilityStatement and SMART's configuration document: what this FHIR server can do."""

from typing import Any, Final

from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from gateway.auth.permissions import EVERY_PERMISSION, Interaction, Permission, ResourceType
from gateway.fhir.resources import RESOURCES, ResourceDefinition
from gateway.oauth.keys import ALGORITHMS

FHIR_VERSION: Final = "4.0.1"
PUBLISHED: Final = "2026-11-28"
"""When what this statement says changed last."""

_PARAMETERS: Final = {
    "_id": ("token", "Ids, separated by commas."),
    "_lastUpdated": ("date", "With eq, ge, gt, le or lt; may be given twice."),
    "patient": ("reference", "A Patient's id; `subject` is the same."),
    "identifier": ("token", "By POST …/_search only, and only with the scope system/Patient.s."),
    "status": ("token", "Statuses, separated by commas."),
}
_SYSTEM_SCOPES: Final = [
    "system/*.rs",
    *(f"system/{resource}.rs" for resource in ResourceType),
    *sorted(str(one) for one in EVERY_PERMISSION if one.interaction is Interaction.CREATE),
]


def capability_statement(base: str, version: str) -> CapabilityStatement:
    """What can be read, searched and created (FHIR R4, 5.2)."""
    return CapabilityStatement.model_validate(
        {
            "id": "ictus",
            "url": f"{base}/metadata",
            "status": "active",
            "date": PUBLISHED,
            "kind": "instance",
            "software": {"name": "Ictus", "version": version},
            "implementation": {
                "description": "Ictus, decision support for stroke on head scans",
                "url": base,
            },
            "fhirVersion": FHIR_VERSION,
            "format": ["json"],
            "rest": [
                {
                    "mode": "server",
                    "documentation": "Every object belongs to a site; another site's is answered with 404.",
                    "security": {
                        "service": [
                            {
                                "coding": [
                                    {
                                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                        "code": "SMART-on-FHIR",
                                    }
                                ]
                            }
                        ],
                        "description": "SMART backend services; see .well-known/smart-configuration.",
                    },
                    "resource": [_resource(one, RESOURCES[one]) for one in ResourceType],
                }
            ],
        }
    )


def smart_configuration(token_address: str) -> dict[str, Any]:
    """``.well-known/smart-configuration`` (SMART App Launch 2.2, "Conformance")."""
    return {
        "token_endpoint": token_address,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": _SYSTEM_SCOPES,
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def _resource(resource: ResourceType, definition: ResourceDefinition) -> dict[str, Any]:
    interactions = ["read", "search-type"]
    if Permission(resource, Interaction.CREATE) in EVERY_PERMISSION:
        interactions.append("create")
    names = ["_id", "_lastUpdated", *sorted(definition.search.parameters)]
    told: dict[str, Any] = {
        "type": resource.value,
        "documentation": definition.about,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "conditionalRead": "not-match",
        "searchParam": [
            {"name": name, "type": _PARAMETERS[name][0], "documentation": _PARAMETERS[name][1]}
            for name in names
        ],
    }
    if definition.search.includes:
        told["searchInclude"] = sorted(definition.search.includes)
    return told
