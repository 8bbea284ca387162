"""Searching by FHIR: what is found, page by page, and what no search may do."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B.bundle import Bundle
from tests.gateway.fhir.conftest import FHIR, NOBODY, ORIGINAL_UID, Site

from gateway.auth.permissions import ResourceType
from ictus.domain.enums import Disposition, Finding

TYPES = [one.value for one in ResourceType]


def found(answer: Any) -> dict[str, Any]:
    """A searchset that validates."""
    assert answer.status_code == 200, answer.text
    bundle: dict[str, Any] = answer.json()
    Bundle.model_validate(bundle)
    assert bundle["type"] == "searchset"
    return bundle


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [one["resource"]["id"] for one in bundle.get("entry", ()) if one["search"]["mode"] == mode]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def refusal(answer: Any) -> tuple[int, str]:
    (issue,) = answer.json()["issue"]
    return answer.status_code, issue["details"]["coding"][0]["code"]


def ask(browser: TestClient, resource: str, **parameters: str) -> Sequence[str]:
    return ids(found(browser.get(f"{FHIR}/{resource}", params=parameters)))


def test_every_type_is_found_and_no_other_sites(site: Site, new_site: Callable[[], Site]) -> None:
    site.answered()
    stranger = new_site().browser()
    browser = site.browser()
    for resource in TYPES:
        assert len(ask(browser, resource)) == 1, resource
        assert ask(stranger, resource) == [], resource
        (entry,) = found(browser.get(f"{FHIR}/{resource}"))["entry"]
        assert entry["fullUrl"].endswith(f"{FHIR}/{resource}/{entry['resource']['id']}")
        assert stranger.get(entry["fullUrl"]).status_code == 404, resource


def test_pages_hold_everything_once_newest_first(site: Site) -> None:
    studies = []
    for _ in range(5):
        studies.append(str(site.answered()[0]))
        site.installation.clock.advance(minutes=1)
    browser = site.browser()
    for resource in ("ImagingStudy", "DiagnosticReport", "Observation", "ServiceRequest", "Provenance"):
        seen: list[str] = []
        address: str | None = f"{FHIR}/{resource}?_count=2"
        pages = 0
        while address is not None:
            bundle = found(browser.get(address))
            seen += ids(bundle)
            address = link(bundle, "next")
            pages += 1
        assert (pages, len(seen), len(set(seen))) == (3, 5, 5), resource
        if resource == "ImagingStudy":
            assert seen == studies[::-1]


def test_patient_is_told_of_once_and_leads_to_all_their_scans(site: Site) -> None:
    first, second = site.answered()[0], site.answered()[0]
    nameless = site.answered(identity=None)[0]
    browser = site.browser()
    patients = ask(browser, "Patient")
    assert len(patients) == 2
    assert str(nameless) in patients, "a scan without a header has a patient of its own"
    (known,) = set(patients) - {str(nameless)}
    for parameters in ({"patient": known}, {"subject": f"Patient/{known}"}):
        assert set(ask(browser, "ImagingStudy", **parameters)) == {str(first), str(second)}
    assert ask(browser, "DiagnosticReport", patient=str(nameless)) == [str(nameless)]
    assert ask(browser, "DiagnosticReport", patient=str(uuid4())) == []
    assert ask(browser, "DiagnosticReport", patient="nobody") == []


def test_identifiers_are_asked_for_in_the_body_and_stay_out_of_every_address(site: Site) -> None:
    study_id = str(site.answered()[0])
    other = NOBODY.__class__(patient_id="4712", accession_number="ACC-2", study_instance_uid="1.2.3")
    site.answered(identity=other)
    browser = site.browser()

    def by(resource: str, identifier: str) -> dict[str, Any]:
        return found(browser.post(f"{FHIR}/{resource}/_search", data={"identifier": identifier}))

    (patient,) = ids(by("Patient", "CANARY-4711"))
    assert ask(browser, "ImagingStudy", patient=patient) == [study_id]
    for resource in ("ImagingStudy", "DiagnosticReport"):
        for identifier in (
            "ACC-CANARY",
            f"urn:ictus:site:{site.site_id}:accession-number|ACC-CANARY",
            f"urn:dicom:uid|urn:oid:{ORIGINAL_UID}",
            ORIGINAL_UID,
        ):
            bundle = by(resource, identifier)
            assert ids(bundle) == [study_id], (resource, identifier)
            assert "ACC-CANARY" not in str(bundle["link"])
        for identifier in ("ACC", "", "urn:elsewhere|ACC-CANARY", "urn:dicom:uid|ACC-CANARY"):
            assert ids(by(resource, identifier)) == [], identifier
    refused = browser.get(f"{FHIR}/Patient", params={"identifier": "CANARY-4711"})
    assert refusal(refused) == (400, "identity_in_address")
    in_query = browser.post(f"{FHIR}/Patient/_search?identifier=CANARY-4711")
    assert refusal(in_query) == (400, "identity_in_address")
    assert "CANARY" not in str([(row.object_id, row.detail) for row in site.installation.audit()])


def test_next_page_of_a_search_by_identifier_shows_nothing_of_it(site: Site) -> None:
    studies = {str(site.answered()[0]) for _ in range(3)}
    browser = site.browser()
    first = found(
        browser.post(f"{FHIR}/ImagingStudy/_search", data={"identifier": "ACC-CANARY", "_count": "2"})
    )
    following = link(first, "next")
    assert following is not None
    assert "ACC" not in following
    assert list(parse_qs(urlsplit(following).query)) == ["_page"]
    assert {*ids(first), *ids(found(browser.get(following)))} == studies
    assert refusal(browser.get(f"{FHIR}/ImagingStudy", params={"_page": "x" * 60})) == (422, "cursor_unknown")


def test_changes_since_a_moment_are_found(site: Site) -> None:
    early, _ = site.answered()
    site.installation.clock.advance(minutes=10)
    moment = site.installation.clock()
    late, _ = site.answered()
    browser = site.browser()
    since = f"ge{moment.isoformat()}"
    assert ask(browser, "DiagnosticReport", _lastUpdated=since) == [str(late)]
    assert ask(browser, "DiagnosticReport", _lastUpdated=f"lt{moment.isoformat()}") == [str(early)]
    assert len(ask(browser, "DiagnosticReport", _lastUpdated="2026-01-02")) == 2
    assert ask(browser, "DiagnosticReport", _lastUpdated="gt2026-01-02") == []
    assert len(ask(browser, "DiagnosticReport", _lastUpdated="eq2026-01-02T03:04Z")) == 1
    site.decide(early, Finding.STROKE)
    assert set(ask(browser, "DiagnosticReport", _lastUpdated=since)) == {str(early), str(late)}
    soon = (site.installation.clock() + timedelta(hours=1)).isoformat()
    assert ask(browser, "ImagingStudy", _lastUpdated=f"gt{soon}") == []


def test_statuses_are_found_as_they_are_told(site: Site) -> None:
    preliminary, first = site.answered(Disposition.UNCERTAIN)
    final, second = site.answered()
    corrected, third = site.answered()
    waiting = str(site.scan())
    site.decide(final, Finding.STROKE)
    site.decide(corrected, None)
    browser = site.browser()
    for status, study_id, job_id in (
        ("preliminary", preliminary, first),
        ("final", final, second),
        ("corrected", corrected, third),
    ):
        (report,) = ask(browser, "DiagnosticReport", status=status)
        assert report == str(study_id)
        assert browser.get(f"{FHIR}/DiagnosticReport/{report}").json()["status"] == status
        assert ask(browser, "Observation", status=status) == [str(job_id)]
    assert len(ask(browser, "DiagnosticReport", status="final,corrected")) == 2
    (order,) = ask(browser, "ServiceRequest", status="active")
    assert browser.get(f"{FHIR}/ServiceRequest/{order}").json()["supportingInfo"] == [
        {"reference": f"ImagingStudy/{waiting}"}
    ]
    assert len(ask(browser, "ServiceRequest", status="completed")) == 3
    assert len(ask(browser, "ImagingStudy", status="available")) == 4


def test_what_matches_refer_to_comes_with_them_once(site: Site) -> None:
    site.answered()
    site.answered()
    browser = site.browser()

    def included(resource: str, *includes: str) -> list[str]:
        bundle = found(browser.get(f"{FHIR}/{resource}", params={"_include": list(includes)}))
        assert len(ids(bundle)) == 2
        kinds = [
            one["resource"]["resourceType"] for one in bundle["entry"] if one["search"]["mode"] != "match"
        ]
        return sorted(kinds)

    assert included("DiagnosticReport", "DiagnosticReport:subject") == ["Patient"]
    assert included("DiagnosticReport", "DiagnosticReport:result", "DiagnosticReport:based-on") == [
        "Observation",
        "Observation",
        "ServiceRequest",
        "ServiceRequest",
    ]
    assert included("Observation", "Observation:device", "Observation:derived-from") == [
        "Device",
        "ImagingStudy",
        "ImagingStudy",
    ]
    assert included("ImagingStudy", "ImagingStudy:patient") == ["Patient"]
    assert included("ServiceRequest", "ServiceRequest:subject") == ["Patient"]
    assert included("Provenance", "Provenance:target") == ["Observation", "Observation"]
    assert refusal(browser.get(f"{FHIR}/Device", params={"_include": "Device:patient"}))[0] == 400


@pytest.mark.parametrize(
    "query",
    [
        "name=Canary",
        "patient:exact=1",
        "_count=0",
        "_count=many",
        "_count=-1",
        "_lastUpdated=yesterday",
        "_lastUpdated=ge2026-13-01",
        "_lastUpdated=le9999-12-31",
        "_lastUpdated=2026-01-02T03:04:05",
        "_include=*",
        "status=%00",
        "_id=%00",
    ],
)
def test_search_that_cannot_be_made_is_refused_and_not_guessed_at(site: Site, query: str) -> None:
    assert refusal(site.browser().get(f"{FHIR}/DiagnosticReport?{query}")) == (400, "search_refused")


def test_contradictions_find_nothing(site: Site) -> None:
    study_id = str(site.answered()[0])
    browser = site.browser()
    assert ask(browser, "ImagingStudy", _id=f"{study_id},{uuid4()},x") == [study_id]
    twice = browser.get(f"{FHIR}/ImagingStudy?patient={uuid4()}&patient={uuid4()}")
    assert ids(found(twice)) == []
    assert ids(found(browser.get(f"{FHIR}/ImagingStudy?_id={study_id}&_id={uuid4()}"))) == []


def test_body_of_a_search_is_bounded(site: Site) -> None:
    answer = site.browser().post(f"{FHIR}/Patient/_search", data={"identifier": "x" * 2**17})
    assert refusal(answer) == (413, "too_large")
