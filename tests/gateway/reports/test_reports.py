"""The report of a study: who may read it, what it says, and how it is kept apart from other sites."""

from base64 import b64encode
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from io import BytesIO
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader
from sqlalchemy.orm import Session
from tests.gateway.answers import decide as decide_review
from tests.gateway.answers import grey_jpeg
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, upload

from gateway.auth.models import Scope
from gateway.sites.models import Site
from ictus.domain.enums import (
    Disposition,
    Finding,
    HaemorrhageSubtype,
    Role,
)
from ictus.report import content_security_policy

from .conftest import Analysed

Analyse = Callable[..., Analysed]


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_the_report_shows_the_answer_the_patient_and_the_pictures(
    analyse: Analyse, browser: TestClient, clinician: Person, db: Session
) -> None:
    study = analyse()
    page = browser.get(study.page)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    site = db.get(Site, clinician.site_id)
    assert site is not None
    for said in (
        "Signs of intracranial haemorrhage.",
        "Canary, Identity",
        "CANARY-4711",
        study.study_id,
        site.name,
        "For decision support; a clinician decides.",
        "Consider asking a radiologist to read this scan immediately.",
        b64encode(grey_jpeg(60)).decode(),
        b64encode(grey_jpeg(180)).decode(),
    ):
        assert said in page.text, said


def test_the_pdf_says_the_same(analyse: Analyse, browser: TestClient) -> None:
    study = analyse()
    answer = browser.get(study.pdf)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert (
        answer.headers["content-disposition"] == f'inline; filename="ictus-report-{study.study_id[:8]}.pdf"'
    )
    text = pdf_text(answer.content)
    for said in ("Signs of intracranial haemorrhage.", "Canary, Identity", "PRELIMINARY", study.study_id):
        assert said in text, said


@pytest.mark.parametrize("disposition", [d for d in Disposition if d is not Disposition.CONFIDENT])
def test_an_answer_that_is_not_confident_has_its_report_too(
    analyse: Analyse, browser: TestClient, disposition: Disposition
) -> None:
    study = analyse(disposition, None)
    page = browser.get(study.page).text
    assert "Consider asking a radiologist to read this scan" in page
    shows_heatmap = b64encode(grey_jpeg(180)).decode() in page
    assert shows_heatmap == (disposition is Disposition.UNCERTAIN)
    assert browser.get(study.pdf).status_code == 200


def test_a_browser_runs_and_loads_nothing_on_the_page_and_keeps_no_copy(
    analyse: Analyse, browser: TestClient
) -> None:
    headers = browser.get(analyse().page).headers
    assert headers["content-security-policy"] == content_security_policy()
    assert "no-store" in headers["cache-control"]


@pytest.mark.parametrize("kind", ["page", "pdf"])
def test_who_has_the_report_already_is_told_so(analyse: Analyse, browser: TestClient, kind: str) -> None:
    address = getattr(analyse(), kind)
    first = browser.get(address)
    assert first.headers["etag"] == f'"{sha256(first.content).hexdigest()}"'
    again = browser.get(address, headers={"If-None-Match": f'"older", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get(address, headers={"If-None-Match": '"older"'}).status_code == 200


def test_a_study_without_an_answer_has_no_report_yet(browser: TestClient) -> None:
    study = upload(browser, *dicom_files())
    for kind in ("report", "report.pdf"):
        answer = browser.get(f"/api/v1/studies/{study['id']}/{kind}")
        assert (answer.status_code, answer.json()["code"]) == (409, "report_not_ready")


def test_another_sites_report_is_not_found(analyse: Analyse, installation: Installation) -> None:
    study = analyse()
    stranger = installation.add_person(Role.RADIOLOGIST).sign_in()
    for address in (study.page, study.pdf, f"/api/v1/studies/{uuid4()}/report"):
        answer = stranger.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_key_needs_the_scope_of_reports(
    analyse: Analyse, installation: Installation, clinician: Person
) -> None:
    study = analyse()
    reader = installation.add_api_client(Scope.REPORTS_READ, site_id=clinician.site_id)
    other = installation.add_api_client(Scope.STUDIES_READ, site_id=clinician.site_id)
    assert reader.get(study.pdf).status_code == 200
    assert other.get(study.pdf).status_code == 403


def test_reading_a_report_leaves_a_trail_with_its_digest_and_no_identity(
    analyse: Analyse, browser: TestClient, clinician: Person, installation: Installation
) -> None:
    study = analyse()
    document = browser.get(study.pdf)
    row = installation.audit()[-1]
    assert (row.action, row.object_id, row.actor_id) == ("report.read_pdf", study.study_id, clinician.user_id)
    assert row.detail == {"sha256": sha256(document.content).hexdigest()}


@pytest.fixture
def decide(installation: Installation, clinician: Person) -> Callable[..., None]:
    return partial(decide_review, installation, clinician.site_id)


def test_a_confirmed_report_is_final_and_names_who_read_it(
    analyse: Analyse, browser: TestClient, decide: Callable[..., None]
) -> None:
    study = analyse()
    before = browser.get(study.page)
    decide(study.study_id, Finding.STROKE, HaemorrhageSubtype.SUBDURAL)
    after = browser.get(study.page)
    assert "Preliminary" in before.text
    assert "Preliminary" not in after.text
    assert after.headers["etag"] != before.headers["etag"]
    for text in (after.text, pdf_text(browser.get(study.pdf).content)):
        spaceless = "".join(text.split())
        for said in (
            "Final",
            "Stroke found: subdural.",
            "Read by Test Person,",
            "Signs of intracranial haemorrhage.",
        ):
            assert "".join(said.split()) in spaceless, said
    assert "Consider asking a radiologist to read this scan" not in after.text
    assert "A reader has confirmed the finding" in after.text


@pytest.mark.parametrize("finding", [Finding.NORMAL, None])
def test_a_corrected_report_shows_the_readers_finding_first_and_the_models_as_superseded(
    analyse: Analyse, browser: TestClient, decide: Callable[..., None], finding: Finding | None
) -> None:
    study = analyse()
    decide(study.study_id, finding)
    headline = "No stroke found." if finding else "The images do not allow a finding."
    page = browser.get(study.page).text
    assert page.index(headline) < page.index("Superseded: what the model said (confident)")
    assert page.index("Superseded") < page.index("Signs of intracranial haemorrhage.")
    assert "Preliminary" not in page
    assert "Consider alerting the stroke" not in page
    text = pdf_text(browser.get(study.pdf).content)
    assert text.index(headline) < text.index("Superseded: what the model said")
    assert "CORRECTED" in text
    assert "PRELIMINARY" not in text
