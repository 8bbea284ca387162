"""Uploads: taken whole or not at all."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from tests.gateway.analysis import add_study
from tests.gateway.installation import Installation, MovingClock, Person
from tests.gateway.uploads import dicom_files, picture, post_upload, study_id, upload

from gateway.app import create_app
from gateway.jobs.models import Job
from gateway.jobs.sweep import sweep
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from gateway.studies.models import ObjectRemoval, Study
from ictus.contracts.tasks import QUEUE_INFERENCE
from ictus.domain.enums import Priority, Role

TABLES = ("studies", "series", "patient_identities", "jobs", "object_removals", "events")


def rows(db: Session) -> dict[str, int]:
    """How many rows each table of a study has, without the empty ones."""
    counts = {table: db.scalar(text(f"SELECT count(*) FROM gateway.{table}")) or 0 for table in TABLES}  # noqa: S608
    return {table: count for table, count in counts.items() if count}


def objects(installation: Installation) -> set[str]:
    return set(installation.resources.store.keys("studies/"))


@pytest.fixture(autouse=True)
def empty_store(installation: Installation) -> None:
    installation.resources.store.delete_prefix("studies/")
    installation.resources.redis.flushdb()


@pytest.fixture
def app_with(
    make_settings: Callable[..., GatewaySettings], clock: MovingClock
) -> Iterator[Callable[..., Installation]]:
    """Installations with single settings changed."""
    opened: list[Resources] = []

    def make(**changes: object) -> Installation:
        app = create_app(make_settings(**changes), clock=clock)
        opened.append(app.state.resources)
        return Installation(app, clock, app.state.resources)

    yield make
    for resources in opened:
        resources.close()


def test_an_upload_becomes_a_queued_study_with_its_objects(
    installation: Installation, browser: TestClient, db: Session
) -> None:
    answer = post_upload(browser, *dicom_files(), priority="STAT")
    assert answer.status_code == 201, answer.text
    study = answer.json()
    assert (study["state"], study["priority"], study["modality"]) == ("queued", "STAT", "CT")
    assert [(one["slices"], one["dtype"], one["units"]) for one in study["series"]] == [
        (3, "int16", "hounsfield")
    ]
    assert study["job"]["state"] == "queued"
    assert study["result"] is None

    prefix = f"studies/{study['id']}/series/{study['series'][0]['id']}"
    assert objects(installation) == {
        f"{prefix}/volume.safetensors",
        *(f"{prefix}/source/{number}.dcm" for number in range(3)),
    }
    assert rows(db) == {"studies": 1, "series": 1, "patient_identities": 1, "jobs": 1, "events": 1}
    assert installation.resources.redis.llen(QUEUE_INFERENCE) == 1


def test_a_truncated_dicom_leaves_nothing(
    installation: Installation, browser: TestClient, db: Session
) -> None:
    whole = dicom_files()[0]
    answer = post_upload(browser, whole[: len(whole) // 2])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "truncated_file"
    assert objects(installation) == set()
    assert rows(db) == {}
    refused = installation.audit()[-1]
    assert (refused.action, refused.outcome, refused.code) == ("study.upload", "refused", "truncated_file")


@pytest.mark.parametrize(
    ("content", "code"), [(b"hello world", "unrecognised_file"), (b"PK\x03\x04 no zip", "archive_refused")]
)
def test_what_is_no_scan_is_refused_with_its_reason(browser: TestClient, content: bytes, code: str) -> None:
    answer = post_upload(browser, content)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code


def test_the_same_bytes_answer_the_same_study_whatever_their_order_and_names(
    installation: Installation, browser: TestClient, db: Session
) -> None:
    first = upload(browser, *dicom_files())
    stored = objects(installation)
    again = post_upload(browser, *reversed(dicom_files()))
    assert again.status_code == 200
    assert again.json()["id"] == first["id"]
    assert objects(installation) == stored
    assert rows(db)["studies"] == rows(db)["jobs"] == 1


def test_the_same_bytes_at_once_make_one_study(
    installation: Installation, clinician: Person, db: Session
) -> None:
    browsers = [clinician.sign_in() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda browser: post_upload(browser, *dicom_files()), browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    (only,) = {answer.json()["id"] for answer in answers}
    assert rows(db) == {"studies": 1, "series": 1, "patient_identities": 1, "jobs": 1, "events": 1}
    assert {key.split("/")[1] for key in objects(installation)} == {only}


def test_the_same_bytes_at_another_site_are_another_study(browser: TestClient, stranger: TestClient) -> None:
    assert upload(browser, picture())["id"] != upload(stranger, picture())["id"]


def test_a_full_queue_answers_503_with_retry_after_and_takes_nothing(
    app_with: Callable[..., Installation], db: Session
) -> None:
    installation = app_with(max_queue_length=2)
    person = installation.add_person(Role.CLINICIAN)
    for _ in range(2):
        add_study(installation, person.site_id)
    answer = post_upload(person.sign_in(), picture())
    assert answer.status_code == 503
    assert answer.json()["code"] == "queue_full"
    assert int(answer.headers["Retry-After"]) > 0
    assert rows(db)["studies"] == 2


def test_an_upload_beyond_the_byte_limit_is_cut_off(
    app_with: Callable[..., Installation], tmp_path: Path, db: Session
) -> None:
    installation = app_with(max_upload_mb=1, work_dir=tmp_path)
    browser = installation.add_person(Role.CLINICIAN).sign_in()

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
        for _ in range(3 * 1024):
            yield bytes(1024)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = browser.post("/api/v1/studies", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"
    assert post_upload(browser, bytes(2 * 2**20)).status_code == 413
    assert list(tmp_path.iterdir()) == []
    assert rows(db) == {}


def test_more_files_than_allowed_are_refused(app_with: Callable[..., Installation], tmp_path: Path) -> None:
    installation = app_with(max_upload_files=2, work_dir=tmp_path)
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    assert post_upload(browser, *dicom_files()).status_code == 413
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_left_clean(app_with: Callable[..., Installation], tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        browser = app_with(work_dir=tmp_path).add_person(Role.CLINICIAN).sign_in()
        answer = post_upload(browser, bytes(2**20))
        assert answer.status_code == 507
        assert answer.json()["code"] == "work_space_full"
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{}", "upload_malformed"),
        ("multipart/form-data", b"", "upload_malformed"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-", "upload_malformed"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "no_files"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="e"\r\n\r\n\r\n--b--\r\n',
            "no_files",
        ),
    ],
)
def test_a_malformed_form_is_refused(browser: TestClient, content_type: str, body: bytes, code: str) -> None:
    answer = browser.post("/api/v1/studies", content=body, headers={"Content-Type": content_type})
    assert answer.json()["code"] == code, answer.text


@pytest.mark.parametrize("fields", [{"modality": "XX"}, {"priority": "NOW"}, {"name": "Canary"}])
def test_wrong_form_fields_are_named(browser: TestClient, fields: dict[str, str]) -> None:
    answer = post_upload(browser, picture(), **fields)
    assert answer.status_code == 400
    assert next(iter(fields)) in answer.json()["detail"]


def test_the_stated_modality_of_a_picture_is_kept(browser: TestClient) -> None:
    (series,) = upload(browser, picture(), modality="MR")["series"]
    assert (series["modality"], series["modality_stated"]) == ("MR", True)


def test_an_upload_cut_short_by_a_crash_is_removed_by_the_sweep(
    installation: Installation, browser: TestClient, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CrashError(BaseException):
        pass

    def crash(*_arguments: object) -> None:
        raise CrashError

    monkeypatch.setattr("gateway.studies.acceptance.StudyAcceptance._insert", crash)
    with pytest.raises(CrashError):
        post_upload(browser, *dicom_files())
    assert objects(installation)
    assert rows(db) == {"object_removals": 1}
    installation.clock.advance(minutes=59)
    sweep(installation.resources)
    assert objects(installation)
    installation.clock.advance(minutes=2)
    sweep(installation.resources)
    assert objects(installation) == set()
    db.expire_all()
    assert rows(db) == {}


def test_an_object_store_that_is_away_leaves_nothing_and_says_so(
    app_with: Callable[..., Installation], db: Session
) -> None:
    browser = app_with(s3_endpoint="127.0.0.1:9").add_person(Role.CLINICIAN).sign_in()
    answer = post_upload(browser, picture())
    assert answer.status_code == 503
    assert rows(db) == {"object_removals": 1}


def test_a_lost_wake_up_does_not_fail_the_upload(app_with: Callable[..., Installation], db: Session) -> None:
    browser = app_with(redis_url="redis://127.0.0.1:9/0").add_person(Role.CLINICIAN).sign_in()
    assert post_upload(browser, picture()).status_code == 201
    assert db.scalar(select(func.count()).select_from(Job)) == 1


def test_api_keys_upload_only_with_the_scope(installation: Installation) -> None:
    from gateway.auth.models import Scope

    site = installation.add_site()
    reader = installation.add_api_client(Scope.STUDIES_READ, site_id=site)
    writer = installation.add_api_client(Scope.STUDIES_WRITE, site_id=site)
    assert post_upload(reader, picture()).status_code == 403
    study = upload(writer, picture())
    assert reader.get(f"/api/v1/studies/{study['id']}").status_code == 200
    assert writer.get(f"/api/v1/studies/{study['id']}").status_code == 403


def test_stat_is_carried_to_the_job(browser: TestClient, db: Session) -> None:
    study = upload(browser, picture(), priority="STAT")
    assert db.get_one(Study, study_id(study)).priority is Priority.STAT
    assert db.scalars(select(Job.priority)).one() is Priority.STAT
    assert db.scalar(select(func.count()).select_from(ObjectRemoval)) == 0
