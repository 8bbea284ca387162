"""The resources that Ictus has: what each can be searched by, what can be included with it, what writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fhir.resources.R4B.resource import Resource

from gateway.auth.permissions import ResourceType
from gateway.fhir.answers import device, diagnostic_report, observation, provenance
from gateway.fhir.criteria import SearchDefinition
from gateway.fhir.facts import Facts, View
from gateway.fhir.imaging import imaging_study, service_request
from gateway.fhir.patient import patient


@dataclass(frozen=True)
class ResourceDefinition:
    """One type.

    Attributes:
        search: what can be asked.
        write: makes the resource of its rows.
        included: what each ``_include`` leads to.
        about: for the CapabilityStatement.
    """

    search: SearchDefinition
    write: Callable[[Facts, View], Resource]
    included: Mapping[str, ResourceType]
    about: str


def _defined(
    resource: ResourceType,
    write: Callable[[Facts, View], Resource],
    about: str,
    *parameters: str,
    included: Mapping[str, ResourceType] | None = None,
) -> ResourceDefinition:
    leads = {f"{resource}:{name}": target for name, target in (included or {}).items()}
    search = SearchDefinition(resource, frozenset(parameters), frozenset(leads))
    return ResourceDefinition(search, write, leads, about)


_SUBJECT: Final = {"patient": ResourceType.PATIENT, "subject": ResourceType.PATIENT}

RESOURCES: Final[Mapping[ResourceType, ResourceDefinition]] = {
    ResourceType.PATIENT: _defined(
        ResourceType.PATIENT,
        patient,
        "Who a scan is of, as its header said. One for all scans with the same PatientID at a site.",
        "identifier",
    ),
    ResourceType.SERVICE_REQUEST: _defined(
        ResourceType.SERVICE_REQUEST,
        service_request,
        "One analysis of a study. Creating one orders an analysis, of a study that is here or is fetched from an archive.",
        *("patient", "identifier", "status"),
        included=_SUBJECT,
    ),
    ResourceType.IMAGING_STUDY: _defined(
        ResourceType.IMAGING_STUDY,
        imaging_study,
        "A study as it is held here, de-identified.",
        *("patient", "identifier", "status"),
        included=_SUBJECT,
    ),
    ResourceType.DIAGNOSTIC_REPORT: _defined(
        ResourceType.DIAGNOSTIC_REPORT,
        diagnostic_report,
        "The report of a study: preliminary, then final, or corrected where readers contradict the model.",
        *("patient", "identifier", "status"),
        included={
            **_SUBJECT,
            "result": ResourceType.OBSERVATION,
            "based-on": ResourceType.SERVICE_REQUEST,
        },
    ),
    ResourceType.OBSERVATION: _defined(
        ResourceType.OBSERVATION,
        observation,
        "Whether a scan shows a stroke: one analysis' answer, with its probability and thresholds.",
        *("patient", "identifier", "status"),
        included={
            **_SUBJECT,
            "based-on": ResourceType.SERVICE_REQUEST,
            "derived-from": ResourceType.IMAGING_STUDY,
            "device": ResourceType.DEVICE,
        },
    ),
    ResourceType.DEVICE: _defined(
        ResourceType.DEVICE,
        device,
        "A model version that has answered at the site, by its manifest's SHA-256.",
    ),
    ResourceType.PROVENANCE: _defined(
        ResourceType.PROVENANCE,
        provenance,
        "How an answer came about: the model, the images, the readers.",
        "patient",
        included={"target": ResourceType.OBSERVATION},
    ),
}
