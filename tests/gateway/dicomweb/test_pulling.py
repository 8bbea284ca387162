"""Studies that are fetched by QIDO-RS and WADO-RS; the archive is another site of an Ictus that really listens."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, upload
from tests.receivers import HttpReceiver, Received, listening_http
from tests.serving import served

from gateway.auth.models import Scope
from gateway.dimse.completion import complete_quiet_studies
from gateway.dimse.spool import Spool
from gateway.pulls.runner import PullRunner
from gateway.settings import GatewaySettings
from gateway.studies.models import Study
from ictus.domain.enums import Role

STUDIES = "/api/v1/studies"


@dataclass
class Archive:
    """Where the other site's studies are, what is needed to read them, and the UID of the one that it has."""

    url: str
    token: str
    study_uid: str


@pytest.fixture
def settings(make_settings: Callable[..., GatewaySettings], tmp_path: Path) -> GatewaySettings:
    return make_settings(work_dir=tmp_path)


@pytest.fixture
def archive(installation: Installation) -> Iterator[Archive]:
    sender = installation.add_person(Role.RADIOLOGIST)
    held = upload(sender.sign_in(), *dicom_files())
    key = installation.add_api_client(Scope.STUDIES_READ, site_id=sender.site_id)
    with installation.resources.sessions() as session:
        uid = session.get_one(Study, held["id"]).study_uid
    with served(installation.app) as url:
        yield Archive(f"{url}/api/v1/dicomweb/", key.headers["Authorization"].removeprefix("Bearer "), uid)


@pytest.fixture
def browser(installation: Installation) -> TestClient:
    return installation.add_person(Role.ADMIN).sign_in()


def add_source(browser: TestClient, url: str, **changes: Any) -> str:
    described = {"name": "Other site", "kind": "dicomweb", "url": url} | changes
    answer = browser.post("/api/v1/admin/sources", json=described)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def pulled(installation: Installation, browser: TestClient, study_uid: str) -> dict[str, Any]:
    """Ask for a study and run what is due."""
    asked = browser.post(f"{STUDIES}/pull", json={"study_instance_uid": study_uid})
    assert asked.status_code == 202, asked.text
    assert PullRunner(installation.resources, chance=lambda: 0.0).run_one()
    complete_quiet_studies(installation.resources)
    said: dict[str, Any] = browser.get(f"{STUDIES}/pulls/{asked.json()['id']}").json()
    return said


def test_study_of_a_dicomweb_archive_is_fetched_as_it_is_stored_there(
    installation: Installation, browser: TestClient, archive: Archive
) -> None:
    source = add_source(browser, archive.url, secret=archive.token)
    tested = browser.post(f"/api/v1/admin/sources/{source}/test").json()
    assert tested == {"reached": True, "detail": "HTTP 200"}
    pull = pulled(installation, browser, archive.study_uid)
    assert (pull["state"], pull["instances"], pull["expected"]) == ("done", 3, 3)
    detail = browser.get(f"{STUDIES}/{pull['study_id']}").json()
    assert [one["slices"] for one in detail["series"]] == [3]
    with installation.resources.sessions() as session:
        first, second = session.scalars(select(Study).order_by(Study.received_at, Study.site_id)).all()
        hashes = [[series.volume_sha256 for series in study.series] for study in (first, second)]
    assert hashes[0] == hashes[1]
    assert not list(Spool(installation.resources).root.rglob("*.dcm"))
    assert pulled(installation, browser, archive.study_uid)["study_id"] == pull["study_id"]


def test_study_that_the_archive_does_not_have_is_not_fetched(
    installation: Installation, browser: TestClient, archive: Archive
) -> None:
    add_source(browser, archive.url, secret=archive.token)
    pull = pulled(installation, browser, "1.2.3.4")
    assert (pull["state"], pull["code"]) == ("failed", "not_in_archive")


def test_archive_that_refuses_our_token_is_not_asked_again(
    installation: Installation, browser: TestClient, archive: Archive
) -> None:
    add_source(browser, archive.url, secret="another token")
    pull = pulled(installation, browser, archive.study_uid)
    assert (pull["state"], pull["reason"]) == ("failed", "The server answered with status 401.")


@pytest.mark.parametrize("status", [503, 429])
def test_archive_in_trouble_is_asked_again(
    installation: Installation, browser: TestClient, status: int
) -> None:
    with listening_http() as server:
        server.statuses = [status]
        add_source(browser, server.url)
        pull = pulled(installation, browser, "1.2.3.4")
    assert (pull["state"], pull["reason"]) == ("queued", f"The server answered with status {status}.")


class Liar(HttpReceiver):
    """Finds a study with a series, and gives something else for it."""

    def answer(self, request: Received) -> tuple[int, bytes]:
        self.requests.append(request)
        if "/series/" in request.path:
            return 200, b"<html>Please sign in</html>"
        element = {"0020000D": {"vr": "UI", "Value": ["1.2.3.4"]}, "0020000E": {"vr": "UI", "Value": ["1.2"]}}
        modality = {"00080060": {"vr": "CS", "Value": ["CT"]}}
        return 200, json.dumps([element | modality]).encode()


def test_what_is_no_dicom_is_not_kept(installation: Installation, browser: TestClient) -> None:
    with listening_http(Liar()) as server:
        add_source(browser, server.url)
        pull = pulled(installation, browser, "1.2.3.4")
    assert (pull["state"], pull["reason"]) == ("failed", "The archive did not answer with DICOM files.")
    assert not list(Spool(installation.resources).root.rglob("*"))
