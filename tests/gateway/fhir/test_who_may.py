"""Who may read what by FHIR, what of the patient they see, and how it is told and put on record."""

import base64
import hashlib
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from tests.gateway.fhir.conftest import FHIR, Site
from tests.gateway.installation import Installation
from tests.gateway.oauth.backend_system import BackendSystem
from tests.gateway.routes import routes_of

from gateway.auth.models import Scope
from gateway.auth.permissions import ResourceType
from gateway.fhir.resources import RESOURCES
from ictus.domain.enums import Finding, Role


def machine(site: Site, scope: str) -> TestClient:
    return BackendSystem.register(site.installation, [scope], site_id=site.site_id).signed_in(scope)


def test_token_reads_the_types_of_its_scopes_and_no_others(site: Site) -> None:
    study_id, _ = site.answered()
    imaging = machine(site, "system/ImagingStudy.r")
    assert imaging.get(f"{FHIR}/ImagingStudy/{study_id}").status_code == 200
    assert imaging.get(f"{FHIR}/ImagingStudy").status_code == 403, "it may read, not search"
    for resource in set(ResourceType) - {ResourceType.IMAGING_STUDY}:
        answer = imaging.get(f"{FHIR}/{resource}/{study_id}")
        assert answer.status_code == 403, resource
        OperationOutcome.model_validate(answer.json())
    everything = machine(site, "system/*.rs")
    for resource in ResourceType:
        assert len(everything.get(f"{FHIR}/{resource}").json()["entry"]) == 1, resource


def test_api_keys_read_what_their_scopes_stand_for(site: Site) -> None:
    study_id, _ = site.answered()
    reports = site.installation.add_api_client(Scope.REPORTS_READ, site_id=site.site_id)
    assert reports.get(f"{FHIR}/DiagnosticReport/{study_id}").status_code == 200
    assert reports.get(f"{FHIR}/ImagingStudy/{study_id}").status_code == 403
    studies = site.installation.add_api_client(Scope.STUDIES_READ, site_id=site.site_id)
    assert studies.get(f"{FHIR}/ImagingStudy/{study_id}").status_code == 200
    assert studies.get(f"{FHIR}/DiagnosticReport/{study_id}").status_code == 403


def test_patients_identity_is_told_to_nobody_who_may_not_read_patients(site: Site) -> None:
    study_id, _ = site.answered()
    blind = BackendSystem.register(
        site.installation,
        [f"system/{one}.rs" for one in ResourceType if one is not ResourceType.PATIENT],
        site_id=site.site_id,
    ).signed_in("system/*.rs")
    seen = machine(site, "system/*.rs")
    telling = ("Canary", "CANARY", "1940", "2025-12-31", "nativ", "1.2.826.0.1.3680043.8.498.1", "Binary")
    for resource in set(ResourceType) - {ResourceType.PATIENT}:
        answer = blind.get(f"{FHIR}/{resource}", params=_includes(resource))
        assert answer.status_code == 200
        assert [said for said in telling if said in answer.text] == [], resource
        assert '"Patient"' not in answer.text
    told = seen.get(f"{FHIR}/ImagingStudy?_include=ImagingStudy:patient").text
    assert all(said in told for said in telling[:-1])
    refused = blind.post(f"{FHIR}/ImagingStudy/_search", data={"identifier": "ACC-CANARY"})
    assert refused.status_code == 403
    assert blind.get(f"{FHIR}/Binary/{study_id}").status_code == 403


def _includes(resource: ResourceType) -> dict[str, list[str]]:
    return {"_include": sorted(RESOURCES[resource].search.includes)}


def test_report_comes_with_its_file_and_the_hash_of_it(site: Site) -> None:
    study_id, _ = site.answered()
    reader = machine(site, "system/*.rs")
    (form,) = reader.get(f"{FHIR}/DiagnosticReport/{study_id}").json()["presentedForm"]
    document = reader.get(form["url"])
    assert (document.status_code, document.headers["content-type"]) == (200, "application/pdf")
    assert form["size"] == len(document.content)
    assert base64.b64decode(form["hash"]) == hashlib.sha1(document.content).digest()  # noqa: S324  FHIR's


def test_version_changes_with_the_review_and_a_known_one_is_not_sent_again(site: Site) -> None:
    study_id, _ = site.answered()
    browser = site.browser()
    address = f"{FHIR}/DiagnosticReport/{study_id}"
    first = browser.get(address)
    assert first.headers["ETag"] == f'W/"{first.json()["meta"]["versionId"]}"'
    assert first.headers["Last-Modified"] == "Fri, 02 Jan 2026 03:04:09 GMT"
    known = {"If-None-Match": first.headers["ETag"]}
    again = browser.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    site.decide(study_id, Finding.STROKE)
    after = browser.get(address, headers=known)
    assert (after.status_code, after.json()["status"]) == (200, "final")


def test_every_reading_and_refusal_is_on_record(site: Site) -> None:
    study_id, _ = site.answered()
    browser = site.browser()
    browser.get(f"{FHIR}/DiagnosticReport/{study_id}")
    browser.get(f"{FHIR}/Observation/{uuid4()}")
    browser.post(f"{FHIR}/Patient/_search", data={"identifier": "CANARY-4711"})
    trail = [(row.action, row.outcome.value, row.object_id) for row in site.installation.audit()[-3:]]
    assert trail == [
        ("fhir.diagnosticreport.read", "done", str(study_id)),
        ("fhir.observation.read", "refused", None),
        ("fhir.patient.search", "done", None),
    ]


def test_every_error_is_an_operation_outcome(site: Site) -> None:
    browser = site.browser()
    answers = {
        404: browser.get(f"{FHIR}/DiagnosticReport/{uuid4()}"),
        405: browser.put(f"{FHIR}/DiagnosticReport"),
        406: browser.get(f"{FHIR}/DiagnosticReport", headers={"Accept": "application/fhir+xml"}),
        401: site.installation.browser().get(f"{FHIR}/Patient"),
        422: browser.get(f"{FHIR}/Binary/nothing"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/fhir+json"
        OperationOutcome.model_validate(answer.json())
    assert browser.get(f"{FHIR}/Basic/1").json()["resourceType"] == "OperationOutcome"
    assert browser.get("/api/v1/studies/x").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/fhir+json;q=0.9"])
def test_json_is_given_to_who_takes_it(site: Site, accept: str) -> None:
    assert site.browser().get(f"{FHIR}/Patient", headers={"Accept": accept}).status_code == 200


def test_capability_statement_says_what_the_routes_are(installation: Installation) -> None:
    answer = installation.browser().get(f"{FHIR}/metadata")
    assert answer.headers["content-type"] == "application/fhir+json"
    told = answer.json()
    CapabilityStatement.model_validate(told)
    assert told["fhirVersion"] == "4.0.1"
    words = {"read": ("GET", "/{resource_id}"), "search-type": ("GET", ""), "create": ("POST", "")}
    stated = {
        (words[interaction["code"]][0], f"{FHIR}/{one['type']}{words[interaction['code']][1]}")
        for one in told["rest"][0]["resource"]
        for interaction in one["interaction"]
    }
    there = {
        (method, path)
        for method, path in routes_of(installation.app)
        if path.startswith(f"{FHIR}/")
        and path.removeprefix(f"{FHIR}/").split("/")[0] in set(ResourceType)
        and not path.endswith("/_search")
    }
    assert stated == there


def test_smart_configuration_leads_to_the_token(site: Site) -> None:
    told = site.installation.browser().get(f"{FHIR}/.well-known/smart-configuration").json()
    system = BackendSystem.register(site.installation, ["system/*.rs"], site_id=site.site_id)
    assert told["token_endpoint"] == system.audience
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert set(told["token_endpoint_auth_signing_alg_values_supported"]) == {"RS384", "ES384"}


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN])
def test_people_read_by_fhir_what_they_see_in_the_worklist(site: Site, role: Role) -> None:
    site.answered()
    browser = site.browser(role)
    for resource in ResourceType:
        assert browser.get(f"{FHIR}/{resource}").status_code == 200
