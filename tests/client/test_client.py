"""The Python client against the real gateway, with a worker that answers while the client waits."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey
from tests.archives import serving_archive
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, picture
from tests.serving import served

from gateway.auth.models import Scope
from gateway.dimse.completion import complete_quiet_studies
from gateway.pulls.runner import PullPolicy, PullRunner
from ictus.domain.enums import Disposition, Role
from ictus_client import (
    ApiKey,
    BackendService,
    BusyError,
    Ictus,
    PullFailedError,
    RefusedError,
    TimedOutError,
    UnreachableError,
)

SCOPES = (Scope.STUDIES_READ, Scope.STUDIES_WRITE, Scope.REPORTS_READ)


@pytest.fixture(autouse=True)
def silent_bell(installation: Installation) -> None:
    installation.resources.redis.flushdb()


@pytest.fixture
def url(installation: Installation) -> Iterator[str]:
    with served(installation.app) as address:
        yield address


@pytest.fixture
def key(installation: Installation) -> ApiKey:
    machine = installation.add_api_client(*SCOPES)
    return ApiKey(machine.headers["Authorization"].removeprefix("Bearer "))


@pytest.fixture
def ictus(url: str, key: ApiKey) -> Iterator[Ictus]:
    with Ictus(url, key) as client:
        yield client


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A folder with a series of three slices."""
    folder = tmp_path / "Canary^Identity"
    folder.mkdir()
    for number, content in enumerate(dicom_files()):
        (folder / f"{number}.dcm").write_bytes(content)
    return folder


def test_a_folder_is_uploaded_answered_and_reported(
    installation: Installation, url: str, key: ApiKey, series: Path, tmp_path: Path
) -> None:
    worker = Worker.of(installation)
    seen: list[str] = []

    def answer_meanwhile(_seconds: float) -> None:
        job = worker.must_claim()
        worker.complete(job, prediction(job, Disposition.CONFIDENT))

    with Ictus(url, key, sleep=answer_meanwhile) as ictus:
        study = ictus.upload([series], priority="STAT")
        assert (study.state, study.priority, study.result) == ("queued", "STAT", None)
        answered = ictus.wait(study.id, progress=lambda now: seen.append(now.state))
        assert seen == ["queued", "completed"]
        assert answered.result is not None
        assert (answered.result.disposition, answered.result.finding) == ("confident", "stroke")
        assert len(answered.result.series[0].slices) == 3
        assert [row.id for row in ictus.worklist()] == [study.id]
        assert list(ictus.worklist(state="failed")) == []
        report = ictus.save_report(study.id, tmp_path / "report.pdf")
        assert report.read_bytes().startswith(b"%PDF")
        assert ictus.upload([series]).id == study.id


def test_a_refusal_says_what_to_do_and_what_to_quote(ictus: Ictus, tmp_path: Path) -> None:
    broken = tmp_path / "scan.dcm"
    broken.write_bytes(dicom_files()[0][:3000])
    with pytest.raises(RefusedError, match="cut short") as refused:
        ictus.upload([broken])
    assert (refused.value.status, refused.value.code) == (422, "truncated_file")
    assert refused.value.request_id


def test_what_is_not_there_is_not_sent(ictus: Ictus, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no"):
        ictus.upload([tmp_path / "nothing.dcm"])
    with pytest.raises(FileNotFoundError, match="no file in"):
        ictus.upload([tmp_path])


def test_a_busy_installation_is_asked_again_as_late_as_it_says(
    make_settings: Callable[..., object], installation: Installation, url: str, key: ApiKey, tmp_path: Path
) -> None:
    object.__setattr__(installation.resources.settings, "max_queue_length", 1)
    add_study(installation, installation.add_site())
    scan = tmp_path / "scan.png"
    scan.write_bytes(picture())
    waited: list[float] = []

    def finish_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        worker = Worker.of(installation)
        worker.complete(worker.must_claim())

    with Ictus(url, key, sleep=finish_meanwhile) as ictus:
        with pytest.raises(BusyError) as busy:
            ictus.upload([scan], modality="CT")
        assert busy.value.status == 503
        study = ictus.when_not_busy(lambda: ictus.upload([scan], modality="CT"))
    assert study.state == "queued"
    assert waited == [busy.value.retry_after]


def test_a_study_that_is_not_answered_in_time_is_said_to_go_on(
    installation: Installation, url: str, key: ApiKey
) -> None:
    machine = installation.add_api_client(*SCOPES, site_id=(site := installation.add_site()))
    study = add_study(installation, site)
    now = [0.0]

    def pass_time(seconds: float) -> None:
        now[0] += seconds

    own = ApiKey(machine.headers["Authorization"].removeprefix("Bearer "))
    with Ictus(url, own, monotonic=lambda: now[0], sleep=pass_time) as ictus, pytest.raises(TimedOutError):
        ictus.wait(study, timeout=20)
    with Ictus(url, key) as other_site, pytest.raises(RefusedError) as refused:
        other_site.study(study)
    assert refused.value.status == 404


def test_a_study_is_fetched_from_an_archive_and_what_no_archive_has_is_said(
    installation: Installation, url: str, tmp_path: Path
) -> None:
    site = installation.add_site()
    machine = installation.add_api_client(*SCOPES, site_id=site)
    own = ApiKey(machine.headers["Authorization"].removeprefix("Bearer "))
    admin = installation.add_person(Role.ADMIN, site_id=site).sign_in()
    object.__setattr__(installation.resources.settings, "work_dir", tmp_path)
    runner = PullRunner(installation.resources, PullPolicy.of(installation.resources.settings))

    def fetch_meanwhile(_seconds: float) -> None:
        runner.run_one()
        installation.clock.advance(seconds=60)
        complete_quiet_studies(installation.resources)

    with serving_archive(*dicom_files()) as archive, Ictus(url, own, sleep=fetch_meanwhile) as ictus:
        source = {"name": "PACS", "kind": "dimse", "host": "127.0.0.1", "port": archive.port}
        source |= {"remote_name": "PACS", "retrieval": "get"}
        assert admin.post("/api/v1/admin/sources", json=source).status_code == 201
        seen: list[str] = []
        pull = ictus.pull(accession_number="ACC-0001", priority="STAT")
        assert (pull.state, pull.has_ended) == ("queued", False)
        study = ictus.wait_for_pull(pull.id, progress=lambda one: seen.append(one.state))
        assert (study.priority, study.modality, seen[-1]) == ("STAT", "CT", "done")
        assert study.patient is not None
        assert study.patient.accession_number == "ACC-0001"
        with pytest.raises(PullFailedError) as failed:
            ictus.wait_for_pull(ictus.pull(study_instance_uid="1.2.3.4").id)
        assert failed.value.code
        assert str(failed.value).endswith(".")


def test_nobody_there_is_said_in_a_sentence() -> None:
    with Ictus("http://127.0.0.1:9", ApiKey("ictus_x"), timeout=2) as ictus, pytest.raises(UnreachableError):
        ictus.study(secrets.token_hex(16))


def test_a_system_with_a_key_of_its_own_gets_tokens_and_new_ones_when_they_end(
    installation: Installation, url: str
) -> None:
    secret = ECKey.generate_key("P-384", {"kid": "system-1", "use": "sig", "alg": "ES384"})
    admin = installation.add_person(Role.ADMIN)
    made = admin.sign_in().post(
        "/api/v1/admin/oauth-clients",
        json={
            "name": "EHR",
            "site_id": str(admin.site_id),
            "scopes": ["system/*.rs"],
            "jwks": {"keys": [secret.as_dict(private=False)]},
        },
    )
    assert made.status_code == 201, made.text
    now = [installation.clock().timestamp()]
    endpoint = httpx.get(f"{url}/api/v1/fhir/.well-known/smart-configuration").json()["token_endpoint"]
    access = BackendService(endpoint, made.json()["id"], secret, clock=lambda: now[0])
    with httpx.Client(base_url=url, auth=access) as system:
        assert system.get("/api/v1/fhir/ImagingStudy").status_code == 200
        first = access._token
        installation.clock.advance(hours=2)
        now[0] += 7200
        assert system.get("/api/v1/fhir/ImagingStudy").status_code == 200
    assert access._token != first
