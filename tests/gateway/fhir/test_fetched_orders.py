"""A ServiceRequest orders the analysis of a study that is not here but in an archive."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pydicom
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.archives import ServingArchive, serving_archive
from tests.gateway.analysis import Worker
from tests.gateway.fhir.conftest import FHIR, Site
from tests.gateway.fhir.test_orders import ORDERS, numbered, order, refusal
from tests.gateway.oauth.backend_system import BackendSystem
from tests.gateway.uploads import dicom_files, upload
from tests.receivers import LOOPBACK

from gateway.dimse.completion import complete_quiet_studies
from gateway.pulls.models import Pull
from gateway.pulls.runner import PullRunner
from gateway.settings import GatewaySettings
from gateway.studies.models import Study, StudyState
from ictus.domain.enums import Priority, Role

ACCESSION = "ACC-0001"
"""Of ``dicom_files``."""
STATUS_REASON = "http://hl7.org/fhir/StructureDefinition/request-statusReason"


@pytest.fixture
def settings(make_settings: Callable[..., GatewaySettings], tmp_path: Path) -> GatewaySettings:
    return make_settings(work_dir=tmp_path)


@pytest.fixture
def archive(site: Site) -> Iterator[ServingArchive]:
    with serving_archive(*dicom_files()) as serving:
        described = {"name": "PACS", "kind": "dimse", "host": LOOPBACK, "port": serving.port}
        how = {"remote_name": "PACS", "retrieval": "get"}
        answer = site.browser(Role.ADMIN).post("/api/v1/admin/sources", json=described | how)
        assert answer.status_code == 201, answer.text
        yield serving


def run(site: Site) -> bool:
    return PullRunner(site.installation.resources, chance=lambda: 0.0).run_one()


def read(browser: TestClient, order_id: str) -> dict[str, Any]:
    answer = browser.get(f"{ORDERS}/{order_id}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found(browser: TestClient, **parameters: str) -> list[str]:
    """Ids of the ServiceRequests that a search gives."""
    answer = browser.post(f"{ORDERS}/_search", data=parameters)
    assert answer.status_code == 200, answer.text
    return [one["resource"]["id"] for one in answer.json().get("entry", [])]


@pytest.mark.usefixtures("archive")
def test_order_of_a_study_in_an_archive_is_followed_from_fetching_to_its_answer(site: Site) -> None:
    machine = BackendSystem.register(
        site.installation, ["system/*.rs", "system/ServiceRequest.c"], site_id=site.site_id
    ).signed_in("system/*.rs system/ServiceRequest.c")
    placed = machine.post(ORDERS, json=order(numbered(ACCESSION), priority="stat"))
    assert placed.status_code == 201, placed.text
    told = placed.json()
    assert (told["status"], told["priority"], told["intent"]) == ("active", "stat", "order")
    assert told["supportingInfo"][0]["identifier"]["value"] == ACCESSION
    assert told["note"] == [{"text": "The study waits to be fetched from the archive."}]
    assert placed.headers["Location"].endswith(f"{ORDERS}/{told['id']}")
    row = next(one for one in site.installation.audit() if one.action == "fhir.servicerequest.create")
    assert (row.object_id, row.detail) == (told["id"], {"fetched": True})

    site.installation.clock.advance(seconds=1)
    assert run(site)
    later = read(machine, told["id"])
    assert later["note"] == [{"text": "The study has been fetched and is being read."}]
    assert later["meta"]["versionId"] != told["meta"]["versionId"]
    assert complete_quiet_studies(site.installation.resources) == 1
    worker = Worker.of(site.installation)
    job = worker.must_claim()
    assert (str(job.job_id), job.priority) == (told["id"], Priority.STAT), "the order's id is the analysis'"
    analysed = read(machine, told["id"])
    assert (analysed["status"], analysed["priority"]) == ("active", "stat")
    assert analysed["supportingInfo"] == [{"reference": f"ImagingStudy/{job.study_id}"}]
    assert worker.complete(job).status_code == 204
    assert read(machine, told["id"])["status"] == "completed"
    observation = machine.get(f"{FHIR}/Observation/{told['id']}").json()
    assert observation["basedOn"] == [{"reference": f"ServiceRequest/{told['id']}"}]


def test_order_that_cannot_be_fetched_is_revoked_and_says_why(site: Site, archive: ServingArchive) -> None:
    browser = site.browser()
    placed = browser.post(ORDERS, json=order(numbered("ACC-9999"))).json()
    run(site)
    told = read(browser, placed["id"])
    assert told["status"] == "revoked"
    assert told["note"] == [{"text": "No archive has a study with this number."}]
    (extension,) = told["extension"]
    assert extension["url"] == STATUS_REASON
    assert extension["valueCodeableConcept"] == {
        "coding": [{"system": "urn:ictus:problem", "code": "not_in_archive"}],
        "text": "No archive has a study with this number.",
    }
    archive.stop()
    waits = browser.post(ORDERS, json=order(numbered("1.2.3.4"))).json()
    run(site)
    told = read(browser, waits["id"])
    assert told["status"] == "active"
    assert told["note"][0]["text"].endswith("is tried again. The archive does not answer.")


@pytest.mark.usefixtures("archive")
def test_pending_orders_are_found_among_the_others(site: Site) -> None:
    _, answered = site.answered()
    site.installation.clock.advance(seconds=1)
    browser = site.browser()
    pending = browser.post(ORDERS, json=order(numbered(ACCESSION))).json()["id"]
    site.installation.clock.advance(seconds=1)
    _, later = site.answered()
    assert found(browser) == [str(later), pending, str(answered)]
    assert found(browser, status="active") == [pending]
    assert found(browser, status="revoked") == []
    assert found(browser, identifier=ACCESSION) == [pending]
    assert found(browser, identifier="ACC-2") == []
    assert found(browser, _lastUpdated="ge2026-01-02T03:04:05Z", status="active") == [pending]
    assert found(browser, _lastUpdated="lt2026-01-02", status="active") == []
    assert found(browser, patient=str(uuid4())) == []
    stranger = Site(site.installation, site.installation.add_site()).browser()
    assert found(stranger) == []
    assert stranger.get(f"{ORDERS}/{pending}").status_code == 404

    pages = []
    address: str | None = f"{ORDERS}?_count=1"
    while address:
        bundle = browser.get(address).json()
        pages += [one["resource"]["id"] for one in bundle.get("entry", [])]
        address = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    assert pages == [str(later), pending, str(answered)]
    run(site)
    complete_quiet_studies(site.installation.resources)
    assert found(browser).count(pending) == 1, "it is the analysis now"


@pytest.mark.usefixtures("archive")
def test_the_same_study_ordered_twice_is_one_order(site: Site) -> None:
    browser = site.browser()
    pulled = browser.post("/api/v1/studies/pull", json={"accession_number": ACCESSION}).json()["id"]
    assert browser.get(f"{ORDERS}/{pulled}").status_code == 404, "nobody has ordered it"
    first = browser.post(ORDERS, json=order(numbered(ACCESSION)))
    again = browser.post(ORDERS, json=order(numbered(ACCESSION), priority="stat"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert {first.json()["id"], again.json()["id"]} == {pulled}
    assert again.json()["priority"] == "stat"


@pytest.mark.usefixtures("archive")
def test_order_of_a_study_that_turns_out_to_be_here_has_it_analysed_again(site: Site) -> None:
    browser = site.browser()
    study = upload(browser, *dicom_files())
    worker = Worker.of(site.installation)
    worker.complete(worker.must_claim())
    with site.installation.resources.sessions.begin() as session:  # as if taken before numbers had references
        session.get_one(Study, study["id"]).accession_ref = None
    placed = browser.post(ORDERS, json=order(numbered(ACCESSION))).json()
    run(site)
    complete_quiet_studies(site.installation.resources)
    job = worker.must_claim()
    assert (str(job.study_id), str(job.job_id)) == (study["id"], placed["id"])


@pytest.mark.usefixtures("archive")
def test_study_that_is_held_holds_the_order_until_it_is_released(site: Site) -> None:
    browser = site.browser()
    placed = browser.post(ORDERS, json=order(numbered(ACCESSION))).json()["id"]
    run(site)
    complete_quiet_studies(site.installation.resources)
    worker = Worker.of(site.installation)
    worker.complete(worker.must_claim())
    study = UUID(read(browser, placed)["supportingInfo"][0]["reference"].split("/")[1])
    with (
        site.installation.resources.sessions.begin() as session
    ):  # as intake does when pixels may name somebody
        session.get_one(Study, study).state = StudyState.HELD
        pull = session.scalars(select(Pull)).one()
        pull.id = uuid4()
        held = str(pull.id)
    told = read(browser, held)
    assert told["status"] == "on-hold"
    assert told["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "study_held"
    assert found(browser, status="on-hold") == [held]
    admin = site.browser(Role.ADMIN)
    assert admin.post(f"/api/v1/admin/held-studies/{study}/release").status_code == 200
    assert str(worker.must_claim().job_id) == held


def test_order_names_the_patient_or_the_study_is_not_fetched(site: Site, archive: ServingArchive) -> None:
    browser = site.browser()
    upload(browser, *dicom_files(seed=5))  # an earlier scan of the same patient
    patient = browser.get(f"{FHIR}/Patient").json()["entry"][0]["resource"]["id"]
    same = pydicom.dcmread(BytesIO(dicom_files(seed=6)[0]))
    same.AccessionNumber, same.StudyInstanceUID = "ACC-NEW", "1.2.826.0.1.3680043.8.498.9"
    other = pydicom.dcmread(BytesIO(dicom_files(seed=7)[0]))
    other.AccessionNumber, other.StudyInstanceUID = "ACC-OTHER", "1.2.826.0.1.3680043.8.498.10"
    other.PatientID = "SOMEBODY-ELSE"
    archive.instances += [same, other]
    subject = {"reference": f"Patient/{patient}"}
    right = browser.post(ORDERS, json=order(numbered("ACC-NEW"), subject=subject)).json()
    wrong = browser.post(ORDERS, json=order(numbered("ACC-OTHER"), subject=subject)).json()
    assert right["subject"] == subject
    run(site)
    run(site)
    assert read(browser, right["id"])["status"] == "active"
    told = read(browser, wrong["id"])
    assert (told["status"], told["note"]) == (
        "revoked",
        [{"text": "The study in the archive is not one of the patient in the order."}],
    )
    assert "C-GET SERIES" in archive.asked
    assert archive.asked.count("C-GET SERIES") == 1


def test_number_is_understood_by_its_system_and_what_is_none_is_refused(
    site: Site, archive: ServingArchive
) -> None:
    browser = site.browser()
    own = f"urn:ictus:site:{site.site_id}:accession-number"
    typed = {
        "identifier": {"system": "urn:oid:1.2.3", "value": "A-1", "type": {"coding": [{"code": "ACSN"}]}}
    }
    for named, number in (
        (numbered("urn:oid:1.2.3", "urn:dicom:uid"), "urn:oid:1.2.3"),
        (numbered("1.2.4"), "urn:oid:1.2.4"),
        (numbered("20260102", own), "20260102"),
        (numbered("20260103"), "20260103"),
        (typed, "A-1"),
    ):
        placed = browser.post(ORDERS, json=order(named))
        assert placed.status_code == 201, placed.text
        assert placed.json()["supportingInfo"][0]["identifier"]["value"] == number
    for refused in (
        order(numbered("ACC*", own)),
        order(numbered("not-a-uid", "urn:dicom:uid")),
        order(numbered("A-1", "urn:oid:1.2.3")),
        order(numbered("A" * 65)),
        order(numbered("A-1"), numbered("A-2")),
        order(numbered("A-3"), subject={"reference": "Patient/x"}),
    ):
        assert refusal(browser, refused) == (422, "order_refused"), refused
    elsewhere = Site(site.installation, site.installation.add_site()).browser()
    assert refusal(elsewhere, order(numbered("A-1"))) == (422, "order_refused"), "it has no archive"
    blind = BackendSystem.register(
        site.installation, ["system/ServiceRequest.crs"], site_id=site.site_id
    ).signed_in("system/ServiceRequest.crs")
    assert refusal(blind, order(numbered("A-1"))) == (403, "identity_search_refused")
    shown = read(blind, found(browser, identifier="A-1")[0])
    assert shown["supportingInfo"] == [{"type": "ImagingStudy", "display": "A study in an archive"}]
