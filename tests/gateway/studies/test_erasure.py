"""Erasing a study: nothing of it is left but its tombstone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, prediction
from tests.gateway.installation import FeedbackService, Installation, Person
from tests.gateway.uploads import dicom_files, upload

from gateway.jobs.sweep import sweep
from gateway.settings import GatewaySettings
from gateway.studies.models import ErasedStudy, ErasureReason, Study
from ictus.contracts.reviews import Review
from ictus.domain.enums import Disposition, Finding, Role
from ictus.http import RemoteError
from ictus.storage.keys import study_prefix


@pytest.fixture
def settings(
    make_settings: Callable[..., GatewaySettings], feedback_service: FeedbackService
) -> GatewaySettings:
    return make_settings(feedback_url=feedback_service.url, feedback_token=feedback_service.token)


@pytest.fixture
def admin(installation: Installation, clinician: Person) -> Person:
    return installation.add_person(Role.ADMIN, clinician.site_id)


@pytest.fixture
def answered(installation: Installation, browser: TestClient, worker: Worker) -> dict[str, Any]:
    """A study of real files with an answer, a picture of it, and an item at the feedback service."""
    study = upload(browser, *dicom_files())
    job = worker.must_claim()
    result = prediction(job, Disposition.UNCERTAIN, Finding.STROKE)
    for one in result.series[0].slices:
        assert one.overlay_key is not None
        installation.resources.store.put_bytes(one.overlay_key, b"png", "image/png")
    assert worker.complete(job, result).status_code == 204
    sweep(installation.resources)
    return study | {"job_id": str(job.job_id)}


def erase(browser: TestClient, study_id: str, reason: str = "patient_request") -> int:
    status: int = browser.delete(f"/api/v1/studies/{study_id}", params={"reason": reason}).status_code
    return status


def rows_that_name(db: Session, study_id: str) -> set[str]:
    """The tables of the gateway in which a study's id still occurs anywhere."""
    tables = db.scalars(
        text(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'gateway' AND tablename <> 'alembic_version'"
        )
    ).all()
    return {
        table
        for table in tables
        if db.scalar(
            text(f"SELECT EXISTS (SELECT FROM gateway.{table} AS t WHERE t::text LIKE :id)"),  # noqa: S608 - our tables
            {"id": f"%{study_id}%"},
        )
    }


def test_nothing_but_the_tombstone_and_what_was_done_is_left(
    installation: Installation, admin: Person, browser: TestClient, answered: dict[str, Any], db: Session
) -> None:
    study_id = answered["id"]
    store = installation.resources.store
    assert list(store.keys(study_prefix(UUID(study_id))))
    assert erase(admin.sign_in(), study_id) == 204
    assert browser.get(f"/api/v1/studies/{study_id}").status_code == 404
    sweep(installation.resources)
    assert list(store.keys(study_prefix(UUID(study_id)))) == []
    # who did what to which id stays; so does that feedback was told, and events until they are forgotten
    assert rows_that_name(db, study_id) == {"audit_events", "erased_studies", "events", "outbox"}
    (stone,) = db.scalars(select(ErasedStudy))
    assert (str(stone.study_id), stone.site_id, stone.erased_by, stone.reason) == (
        study_id,
        admin.site_id,
        admin.user_id,
        ErasureReason.PATIENT_REQUEST,
    )
    with pytest.raises(RemoteError) as gone:
        installation.resources.feedback.call("GET", f"/internal/v1/reviews/{answered['job_id']}", Review)
    assert gone.value.remote_status == 404


def test_it_is_on_record_with_its_reason(
    installation: Installation, admin: Person, answered: dict[str, Any]
) -> None:
    erase(admin.sign_in(), answered["id"], "wrong_patient")
    row = next(row for row in installation.audit() if row.action == "study.erase")
    assert (row.object_id, row.actor_id, row.detail) == (
        answered["id"],
        admin.user_id,
        {"reason": "wrong_patient"},
    )


def test_the_list_of_erasures_says_when_everything_is_gone(
    installation: Installation, admin: Person, answered: dict[str, Any]
) -> None:
    browser = admin.sign_in()
    erase(browser, answered["id"])

    def stones() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = browser.get("/api/v1/admin/erasures").json()["items"]
        return items

    (before,) = stones()
    assert (before["objects_removed"], before["feedback_told"]) == (False, False)
    sweep(installation.resources)
    (after,) = stones()
    assert (after["objects_removed"], after["feedback_told"]) == (True, True)
    elsewhere = installation.add_person(Role.ADMIN).sign_in()
    assert elsewhere.get("/api/v1/admin/erasures").json()["items"] == []


def test_erasures_come_in_pages_the_latest_first(
    installation: Installation, admin: Person, browser: TestClient
) -> None:
    erased = []
    administrator = admin.sign_in()
    for seed in range(3):
        study = upload(browser, *dicom_files(seed))
        installation.clock.advance(seconds=1)
        erase(administrator, study["id"])
        erased.append(study["id"])
    first = administrator.get("/api/v1/admin/erasures", params={"limit": 2}).json()
    second = administrator.get(
        "/api/v1/admin/erasures", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json()
    assert [stone["study_id"] for stone in first["items"] + second["items"]] == erased[::-1]
    assert second["next_cursor"] is None


def test_the_same_files_sent_again_are_a_new_study(
    admin: Person, browser: TestClient, answered: dict[str, Any]
) -> None:
    erase(admin.sign_in(), answered["id"])
    again = upload(browser, *dicom_files())
    assert again["id"] != answered["id"]
    assert (again["state"], again["result"], again["review_state"]) == ("queued", None, None)


def test_a_running_analysis_ends_with_its_study_and_leaves_no_picture(
    installation: Installation, admin: Person, browser: TestClient, worker: Worker, db: Session
) -> None:
    study = upload(browser, *dicom_files())
    job = worker.must_claim()
    assert erase(admin.sign_in(), study["id"]) == 204
    sweep(installation.resources)
    late = prediction(job).series[0].slices[0].overlay_key
    assert late is not None
    installation.resources.store.put_bytes(late, b"png", "image/png")
    assert worker.complete(job).status_code == 404
    installation.clock.advance(hours=2)
    sweep(installation.resources)
    assert list(installation.resources.store.keys(study_prefix(UUID(study["id"])))) == []
    assert db.scalar(select(func.count()).select_from(Study)) == 0


def test_only_an_administrator_of_the_site_erases_and_says_why(
    installation: Installation, browser: TestClient, admin: Person, answered: dict[str, Any]
) -> None:
    study_id = answered["id"]
    radiologist = installation.add_person(Role.RADIOLOGIST, admin.site_id).sign_in()
    stranger = installation.add_person(Role.ADMIN).sign_in()
    assert [erase(browser, study_id), erase(radiologist, study_id)] == [403, 403]
    assert [erase(stranger, study_id), erase(admin.sign_in(), str(uuid4()))] == [404, 404]
    assert admin.sign_in().delete(f"/api/v1/studies/{study_id}").status_code == 422
    assert erase(admin.sign_in(), study_id, "because") == 422
    assert browser.get(f"/api/v1/studies/{study_id}").status_code == 200
