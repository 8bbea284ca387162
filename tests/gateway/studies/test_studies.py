"""Studies as their site's people see them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, picture, upload

from gateway.studies.models import Study
from ictus.domain.enums import Disposition, Finding, Priority, Stage
from ictus.imaging.volume import Volume


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


def pages(browser: TestClient, **query: str) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = browser.get("/api/v1/studies", params=query | ({"cursor": cursor} if cursor else {})).json()
        yield page
        cursor = page["next_cursor"]
        if cursor is None:
            return


def test_the_patient_is_shown_to_the_sites_people_and_stored_as_ciphertext(
    browser: TestClient, db: Session
) -> None:
    study = upload(browser, *dicom_files())
    assert study["patient"]["patient_name"] == "Canary^Identity"
    assert browser.get("/api/v1/studies").json()["items"][0]["patient"]["patient_id"] == "CANARY-4711"
    for table in db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'gateway'")):
        for row in db.execute(text(f"SELECT t::text FROM gateway.{table} t")).scalars():  # noqa: S608
            for canary in ("Canary", "CANARY", "19500615"):
                assert canary not in row
                assert canary.encode().hex() not in row


def test_no_object_holds_the_patients_identity(installation: Installation, browser: TestClient) -> None:
    study = upload(browser, *dicom_files())
    store = installation.resources.store
    for key in store.keys(f"studies/{study['id']}/"):
        content = store.get_bytes(key)
        assert b"Canary" not in content
        assert b"CANARY" not in content


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/events",
        "/series/{series}/slices/0",
        "/series/{series}/slices/0/overlay",
    ],
)
def test_another_sites_study_is_not_found(
    browser: TestClient, stranger: TestClient, worker: Worker, path: str
) -> None:
    study = upload(browser, picture())
    worker.complete(worker.must_claim())
    url = f"/api/v1/studies/{study['id']}{path.format(series=study['series'][0]['id'])}"
    answer = stranger.get(url)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_another_sites_study_cannot_be_analysed_or_cancelled(
    browser: TestClient, stranger: TestClient
) -> None:
    study = upload(browser, picture())
    for verb in ("analyses", "analyses/cancel"):
        assert stranger.post(f"/api/v1/studies/{study['id']}/{verb}", json={}).status_code == 404
    assert ids(stranger.get("/api/v1/studies").json()) == []


def test_the_worklist_puts_the_most_urgent_first(
    installation: Installation, clinician: Person, browser: TestClient, worker: Worker
) -> None:
    def answered(disposition: Disposition, finding: Finding | None) -> str:
        study_id = add_study(installation, clinician.site_id)
        job = worker.must_claim()
        assert worker.complete(job, prediction(job, disposition, finding)).status_code == 204
        installation.clock.advance(seconds=1)
        return str(study_id)

    normal = answered(Disposition.CONFIDENT, Finding.NORMAL)
    unvalidated = answered(Disposition.NOT_VALIDATED, None)
    uncertain = answered(Disposition.UNCERTAIN, Finding.STROKE)
    older_stroke = answered(Disposition.CONFIDENT, Finding.STROKE)
    stroke = answered(Disposition.CONFIDENT, Finding.STROKE)
    failed = str(add_study(installation, clinician.site_id))
    worker.fail(worker.must_claim(), retryable=False)
    waiting = str(add_study(installation, clinician.site_id))
    stat = str(add_study(installation, clinician.site_id, Priority.STAT))

    expected = [stroke, older_stroke, stat, uncertain, failed, unvalidated, waiting, normal]
    assert ids(browser.get("/api/v1/studies").json()) == expected
    paged = [one for page in pages(browser, limit="3") for one in ids(page)]
    assert paged == expected
    newest = ids(browser.get("/api/v1/studies", params={"sort": "received"}).json())
    assert newest.index(stroke) < newest.index(older_stroke) < newest.index(normal)
    assert [one for page in pages(browser, sort="received", limit="3") for one in ids(page)] == newest


def test_the_worklist_is_filtered(
    installation: Installation, clinician: Person, browser: TestClient, worker: Worker
) -> None:
    done = str(add_study(installation, clinician.site_id))
    worker.complete(worker.must_claim())
    installation.clock.advance(minutes=10)
    waiting = str(add_study(installation, clinician.site_id))

    def listed(**query: Any) -> list[str]:
        return ids(browser.get("/api/v1/studies", params=query).json())

    assert listed(state=["completed", "failed"]) == [done]
    assert listed(disposition="confident") == [done]
    assert listed(disposition="uncertain") == []
    assert listed(received_after=(installation.clock() - timedelta(minutes=1)).isoformat()) == [waiting]
    assert listed(modality="MR") == []

    stat = str(add_study(installation, clinician.site_id, Priority.STAT))
    assert listed(priority="STAT") == [stat]
    assert set(listed(priority=["STAT", "ROUTINE"])) == {stat, waiting, done}
    assert listed(priority="STAT", state="completed") == []


@pytest.mark.parametrize("cursor", ["x", "bm9wZQ==", "MSAyIDM="])
def test_a_foreign_cursor_is_refused(browser: TestClient, cursor: str) -> None:
    answer = browser.get("/api/v1/studies", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["code"] == "cursor_unknown"


def test_a_page_of_a_large_worklist_is_read_from_its_index(
    installation: Installation, clinician: Person, browser: TestClient, db: Session
) -> None:
    template = add_study(installation, clinician.site_id)
    columns = ", ".join(
        column.name for column in Study.__table__.columns if column.name not in {"id", "content_sha256"}
    )
    with installation.resources.sessions.begin() as session:
        session.execute(
            text(
                f"INSERT INTO gateway.studies (id, content_sha256, {columns}) "  # noqa: S608
                f"SELECT gen_random_uuid(), sha256(n::text::bytea), {columns} FROM gateway.studies, "
                "generate_series(1, 20000) n WHERE id = :id"
            ),
            {"id": template},
        )
        session.execute(text("ANALYZE gateway.studies"))
    for order, index in (("urgency, received_at DESC", "by_urgency"), ("received_at DESC", "by_received")):
        plan = db.scalars(
            text(
                f"EXPLAIN SELECT * FROM gateway.studies WHERE site_id = :site ORDER BY {order}, id DESC LIMIT 51"  # noqa: S608
            ),
            {"site": clinician.site_id},
        ).all()
        assert f"ix_studies_{index}" in " ".join(plan)
    assert len(browser.get("/api/v1/studies", params={"limit": 200}).json()["items"]) == 200


def test_slices_are_the_volumes_voxels_and_stay_out_of_disk_caches(
    installation: Installation, browser: TestClient
) -> None:
    study = upload(browser, *dicom_files())
    (series,) = study["series"]
    key = f"studies/{study['id']}/series/{series['id']}/volume.safetensors"
    volume = Volume.from_bytes(installation.resources.store.get_bytes(key))
    for index in range(series["slices"]):
        url = f"/api/v1/studies/{study['id']}/series/{series['id']}/slices/{index}"
        answer = browser.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        shape = series["rows"], series["columns"]
        assert np.array_equal(np.frombuffer(answer.content, "<i2").reshape(shape), volume.voxels[index])
        assert answer.headers["cache-control"] == "no-store"
        plain = browser.get(url, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert "content-encoding" not in plain.headers
        unchanged = browser.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    for index in (-1, series["slices"]):
        url = f"/api/v1/studies/{study['id']}/series/{series['id']}/slices/{index}"
        assert browser.get(url).status_code == 404


def test_the_overlay_is_the_latest_answers(
    installation: Installation, browser: TestClient, worker: Worker
) -> None:
    study = upload(browser, picture())
    url = f"/api/v1/studies/{study['id']}/series/{study['series'][0]['id']}/slices/0/overlay"
    assert browser.get(url).json()["code"] == "overlay_missing"
    for content in (b"first", b"second"):
        job = worker.must_claim()
        result = prediction(job)
        key = result.series[0].slices[0].overlay_key
        assert key is not None
        installation.resources.store.put_bytes(key, content, "image/png")
        worker.complete(job, result)
        assert browser.get(url).content == content
        assert browser.get(url).headers["content-type"] == "image/png"
        installation.clock.advance(seconds=1)
        browser.post(f"/api/v1/studies/{study['id']}/analyses", json={})


def test_the_study_shows_its_result_in_the_words_of_the_contract(
    installation: Installation, browser: TestClient, worker: Worker
) -> None:
    study = upload(browser, picture())
    installation.clock.advance(seconds=2)
    job = worker.must_claim()
    installation.clock.advance(seconds=3)
    worker.complete(job, prediction(job, Disposition.UNCERTAIN))
    shown = browser.get(f"/api/v1/studies/{study['id']}").json()
    assert (shown["state"], shown["job"]["state"]) == ("completed", "completed")
    result = shown["result"]
    assert (result["finding"], result["disposition"], result["confidence"]) == ("stroke", "uncertain", 0.9)
    assert result["model_version"] == "7"
    assert result["series"][0]["slices"][0] == {"index": 0, "stroke_probability": 0.9, "has_overlay": True}
    assert "key" not in " ".join(result)
    assert shown["received_at"] < shown["analysis_started_at"] < shown["completed_at"]


def test_a_study_is_analysed_again_on_request_and_keeps_its_answer_meanwhile(
    installation: Installation, browser: TestClient, worker: Worker
) -> None:
    study = upload(browser, picture())
    url = f"/api/v1/studies/{study['id']}"
    assert browser.post(f"{url}/analyses", json={}).json()["code"] == "analysis_open"
    worker.complete(worker.must_claim())
    installation.clock.advance(minutes=1)

    again = browser.post(f"{url}/analyses", json={"priority": "STAT", "model_version": "8"})
    assert again.status_code == 202
    assert again.json()["priority"] == "STAT"
    shown = browser.get(url).json()
    assert (shown["state"], shown["result"]["model_version"]) == ("queued", "7")
    job = worker.must_claim()
    assert job.model_version == "8"
    assert worker.complete(job).json()["code"] == "result_mismatch"
    newer = prediction(job).model_copy(update={"model_version": "8"})
    assert worker.complete(job, newer).status_code == 204
    assert browser.get(url).json()["result"]["model_version"] == "8"


def test_a_waiting_analysis_is_cancelled_at_once_and_a_running_one_by_its_worker(
    installation: Installation, browser: TestClient, worker: Worker
) -> None:
    study = upload(browser, picture())
    url = f"/api/v1/studies/{study['id']}"
    assert browser.post(f"{url}/analyses/cancel").json()["state"] == "cancelled"
    assert worker.claim() is None
    assert browser.post(f"{url}/analyses/cancel").json()["code"] == "job_state"

    installation.clock.advance(seconds=1)
    browser.post(f"{url}/analyses", json={})
    job = worker.must_claim()
    assert browser.post(f"{url}/analyses/cancel").json()["cancel_requested"] is True
    assert worker.beat(job, Stage.LOADING).cancel_requested
    assert worker.fail(job, retryable=True).status_code == 204
    assert browser.get(url).json()["state"] == "cancelled"


def test_every_look_at_a_study_is_audited(installation: Installation, browser: TestClient) -> None:
    study = upload(browser, picture())
    browser.get(f"/api/v1/studies/{study['id']}")
    browser.get(f"/api/v1/studies/{study['id']}/series/{study['series'][0]['id']}/slices/0")
    browser.get("/api/v1/studies")
    browser.get(f"/api/v1/studies/{uuid4()}")
    trail = [(row.action, row.outcome.value) for row in installation.audit()]
    assert trail[-5:] == [
        ("study.upload", "done"),
        ("study.read", "done"),
        ("study.read_slice", "done"),
        ("study.list", "done"),
        ("study.read", "refused"),
    ]
    uploads = [row for row in installation.audit() if row.action == "study.upload"]
    assert [UUID(row.object_id or "") for row in uploads] == [UUID(study["id"])]
