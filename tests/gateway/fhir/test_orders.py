"""A ServiceRequest orders the analysis of a study that is here."""

from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker
from tests.gateway.fhir.conftest import FHIR, ORIGINAL_UID, Site
from tests.gateway.oauth.backend_system import BackendSystem

from ictus.domain.enums import Priority

ORDERS = f"{FHIR}/ServiceRequest"


def order(*supporting: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"display": "somebody"},
        "supportingInfo": list(supporting),
    } | changes


def study(study_id: object) -> dict[str, Any]:
    return {"reference": f"ImagingStudy/{study_id}"}


def numbered(value: str, system: str | None = None) -> dict[str, Any]:
    return {"identifier": {"value": value} | ({"system": system} if system else {})}


def refusal(browser: TestClient, body: Any) -> tuple[int, str]:
    answer = browser.post(ORDERS, json=body)
    return answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]


def test_order_is_analysed_and_its_state_can_be_followed(site: Site) -> None:
    study_id, _ = site.answered()
    machine = BackendSystem.register(
        site.installation, ["system/*.rs", "system/ServiceRequest.c"], site_id=site.site_id
    ).signed_in("system/*.rs system/ServiceRequest.c")
    patient = machine.get(f"{FHIR}/Patient").json()["entry"][0]["resource"]["id"]
    subject = {"reference": f"Patient/{patient}"}
    placed = machine.post(ORDERS, json=order(study(study_id), subject=subject, priority="stat"))
    assert placed.status_code == 201, placed.text
    told = placed.json()
    assert (told["status"], told["priority"]) == ("active", "stat")
    assert placed.headers["Location"].endswith(f"{ORDERS}/{told['id']}")
    row = site.installation.audit()[-1]
    assert (row.action, row.object_id) == ("fhir.servicerequest.create", told["id"])
    assert refusal(machine, order(study(study_id))) == (409, "analysis_open")

    job = Worker.of(site.installation).must_claim()
    assert (str(job.job_id), job.study_id, job.priority) == (told["id"], study_id, Priority.STAT)
    assert Worker.of(site.installation).complete(job).status_code == 204
    assert machine.get(placed.headers["Location"]).json()["status"] == "completed"
    observation = machine.get(f"{FHIR}/Observation/{told['id']}").json()
    assert observation["basedOn"] == [{"reference": f"ServiceRequest/{told['id']}"}]


def test_study_is_named_by_what_other_systems_call_it(site: Site) -> None:
    site.answered()
    browser = site.browser()
    for named in (
        numbered(f"urn:oid:{ORIGINAL_UID}", "urn:dicom:uid"),
        numbered("ACC-CANARY", f"urn:ictus:site:{site.site_id}:accession-number"),
    ):
        placed = browser.post(ORDERS, json=order(named))
        assert placed.status_code == 201, placed.text
        site.answer()


def test_order_that_names_no_study_of_the_site_is_refused(site: Site) -> None:
    study_id, _ = site.answered()
    other_id, _ = site.answered()
    elsewhere = Site(site.installation, site.installation.add_site()).answered()[0]
    browser = site.browser()
    for body in (
        order(),
        order(study(uuid4())),
        order(study(elsewhere)),
        order(study("x")),
        order({"reference": f"Patient/{study_id}"}),
        order(study(study_id), study(other_id)),
        order(study(study_id), subject={"reference": f"Patient/{uuid4()}"}),
        order(study(study_id), status="draft"),
        order(study(study_id), intent="plan"),
        order(study(study_id), priority=7),
        order(study(study_id)) | {"resourceType": "Patient"},
        {"resourceType": "ServiceRequest"},
        [],
        "x",
    ):
        assert refusal(browser, body) == (422, "order_refused"), body
    nested = browser.post(ORDERS, content=b"[" * 60_000)
    assert nested.status_code == 422


def test_only_who_may_order_can(site: Site) -> None:
    study_id, _ = site.answered()
    reader = BackendSystem.register(site.installation, ["system/*.rs"], site_id=site.site_id).signed_in()
    assert refusal(reader, order(study(study_id))) == (403, "role_refused")
    blind = BackendSystem.register(
        site.installation, ["system/ServiceRequest.crs"], site_id=site.site_id
    ).signed_in("system/ServiceRequest.crs")
    assert refusal(blind, order(numbered("ACC-CANARY"))) == (403, "identity_search_refused")
    assert blind.post(ORDERS, json=order(study(study_id))).status_code == 201
