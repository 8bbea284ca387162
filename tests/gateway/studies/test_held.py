"""Held studies wait for an admin of their site."""

from io import BytesIO
from uuid import uuid4

import pydicom
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, post_upload, upload

from gateway.jobs.sweep import sweep
from gateway.studies.models import SealedIdentity, Series, Study
from ictus.domain.enums import Role


@pytest.fixture
def admin(installation: Installation, clinician: Person) -> TestClient:
    return installation.add_person(Role.ADMIN, clinician.site_id).sign_in()


def burned_in() -> bytes:
    """A DICOM file whose header says that its pixels may show the patient's name."""
    instance = pydicom.dcmread(BytesIO(dicom_files()[0]))
    instance.BurnedInAnnotation = "YES"
    buffer = BytesIO()
    instance.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_burned_in_annotation_is_held_and_not_analysed(
    browser: TestClient, admin: TestClient, worker: Worker
) -> None:
    study = upload(browser, burned_in())
    assert (study["state"], study["job"]) == ("held", None)
    assert study["hold_reasons"]
    assert worker.claim() is None
    assert browser.post(f"/api/v1/studies/{study['id']}/analyses", json={}).json()["code"] == "study_held"
    assert [one["id"] for one in admin.get("/api/v1/admin/held-studies").json()] == [study["id"]]


def test_a_released_study_is_analysed(browser: TestClient, admin: TestClient, worker: Worker) -> None:
    study = upload(browser, burned_in())
    url = f"/api/v1/admin/held-studies/{study['id']}/release"
    assert browser.post(url).status_code == 403
    released = admin.post(url)
    assert released.status_code == 200, released.text
    assert released.json()["state"] == "queued"
    assert str(worker.must_claim().study_id) == study["id"]
    assert admin.post(url).json()["code"] == "study_not_held"


def test_a_rejected_study_is_erased_with_its_objects(
    installation: Installation, browser: TestClient, admin: TestClient, db: Session
) -> None:
    study = upload(browser, burned_in())
    prefix = f"studies/{study['id']}/"
    assert list(installation.resources.store.keys(prefix))
    assert admin.post(f"/api/v1/admin/held-studies/{study['id']}/reject").status_code == 204
    sweep(installation.resources)
    assert list(installation.resources.store.keys(prefix)) == []
    for table in (Study, Series, SealedIdentity):
        assert db.scalar(select(func.count()).select_from(table)) == 0
    assert browser.get(f"/api/v1/studies/{study['id']}").status_code == 404
    assert post_upload(browser, burned_in()).status_code == 201


def test_another_sites_admin_sees_no_held_study(installation: Installation, browser: TestClient) -> None:
    study = upload(browser, burned_in())
    foreign = installation.add_person(Role.ADMIN).sign_in()
    assert foreign.get("/api/v1/admin/held-studies").json() == []
    for verb in ("release", "reject"):
        for study_id in (study["id"], uuid4()):
            answer = foreign.post(f"/api/v1/admin/held-studies/{study_id}/{verb}")
            assert answer.status_code == 404
