"""What admins see of jobs, and do about failed ones."""

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation

from ictus.domain.enums import Priority, Role


@pytest.fixture
def admin(installation: Installation, site: UUID) -> TestClient:
    return installation.add_person(Role.ADMIN, site).sign_in()


def failed(browser: TestClient, **query: Any) -> dict[str, Any]:
    page: dict[str, Any] = browser.get("/api/v1/admin/jobs/failed", params=query).json()
    return page


def test_a_failed_job_is_shown_with_every_attempts_reason(
    installation: Installation, site: UUID, worker: Worker, admin: TestClient
) -> None:
    study_id = add_study(installation, site)
    for _ in range(3):
        worker.fail(worker.must_claim(), retryable=True)
        installation.clock.advance(minutes=1)
    (job,) = failed(admin)["items"]
    assert (job["study_id"], job["failure_code"], job["attempt"]) == (str(study_id), "out_of_memory", 3)
    assert [attempt["fence"] for attempt in job["attempts"]] == [3, 2, 1]
    assert {attempt["failure_detail"] for attempt in job["attempts"]} == {
        "The study did not fit into memory."
    }


def test_failed_jobs_are_paged_newest_first(
    installation: Installation, site: UUID, worker: Worker, admin: TestClient
) -> None:
    studies = []
    for _ in range(5):
        studies.append(str(add_study(installation, site)))
        worker.fail(worker.must_claim(), retryable=False)
        installation.clock.advance(seconds=1)
    listed, cursor = [], None
    while True:
        page = failed(admin, limit=2, **({"cursor": cursor} if cursor else {}))
        listed += [job["study_id"] for job in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert listed == studies[::-1]


def test_an_admin_has_a_failed_job_tried_again(
    installation: Installation, site: UUID, worker: Worker, admin: TestClient
) -> None:
    add_study(installation, site)
    first = worker.must_claim()
    worker.fail(first, retryable=False)
    url = f"/api/v1/admin/jobs/{first.job_id}/retry"
    retried = admin.post(url)
    assert retried.status_code == 200
    assert (retried.json()["state"], retried.json()["attempt"]) == ("queued", 0)
    assert admin.post(url).json()["code"] == "job_state"
    again = worker.must_claim()
    assert (again.job_id, again.attempt, again.fence) == (first.job_id, 1, 2)
    assert worker.complete(again).status_code == 204
    assert failed(admin)["items"] == []


def test_another_sites_jobs_are_neither_listed_nor_tried_again(
    installation: Installation, site: UUID, worker: Worker, admin: TestClient
) -> None:
    add_study(installation, installation.add_site())
    job = worker.must_claim()
    worker.fail(job, retryable=False)
    assert failed(admin)["items"] == []
    assert admin.post(f"/api/v1/admin/jobs/{job.job_id}/retry").status_code == 404


def test_the_queue_is_counted(
    installation: Installation, site: UUID, worker: Worker, admin: TestClient
) -> None:
    oldest = installation.clock()
    add_study(installation, site)
    worker.must_claim()
    add_study(installation, site, Priority.STAT)
    add_study(installation, site)
    queue = admin.get("/api/v1/admin/jobs/queue").json()
    assert (queue["queued"], queue["queued_stat"], queue["running"], queue["failed"]) == (2, 1, 1, 0)
    assert queue["oldest_queued_at"].startswith(oldest.isoformat()[:19])


def test_clinicians_see_no_queue(installation: Installation, site: UUID) -> None:
    clinician = installation.add_person(Role.CLINICIAN, site).sign_in()
    for path in ("failed", "queue"):
        assert clinician.get(f"/api/v1/admin/jobs/{path}").status_code == 403
