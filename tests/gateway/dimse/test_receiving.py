"""Peers that send by C-STORE and STOW-RS, and when what they sent becomes a study."""

import ssl
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pydicom
from fastapi.testclient import TestClient
from pynetdicom import AE
from sqlalchemy import select
from tests.canary import traces_in
from tests.certificates import Authority
from tests.gateway.dimse.conftest import let_in, listening
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, picture
from tests.receivers import LOOPBACK

from gateway.app import create_app
from gateway.auth.models import Scope
from gateway.dimse.completion import complete_quiet_studies, discard_overdue
from gateway.dimse.models import IncomingState, IncomingStudy
from gateway.dimse.server import DicomListener
from gateway.dimse.spool import Spool
from gateway.settings import GatewaySettings
from gateway.studies.models import Study
from ictus.domain.enums import Role

ROOT = "/api/v1/dicomweb"
CT = "1.2.840.10008.5.1.4.1.1.2"
QUIET = 10.0


def send(
    port: int,
    files: tuple[bytes, ...],
    title: str = "SCANNER",
    called: str = "ICTUS",
    tls: ssl.SSLContext | None = None,
) -> list[int]:
    """The status of each C-STORE; empty when the association is refused."""
    entity = AE(ae_title=title)
    entity.acse_timeout = 5
    entity.add_requested_context(CT)
    association = entity.associate(LOOPBACK, port, ae_title=called, tls_args=(tls, LOOPBACK) if tls else None)
    if not association.is_established:
        return []
    try:
        return [int(association.send_c_store(pydicom.dcmread(BytesIO(content))).Status) for content in files]
    finally:
        association.release()


def post(client: TestClient, *files: bytes, study: str = "") -> tuple[int, dict[str, list[int]]]:
    """Store by STOW-RS; the answer's status, and the failure reasons and number of what is stored."""
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
    answer = client.post(
        f"{ROOT}/studies{study}",
        content=body + b"--b--\r\n",
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    )
    said = answer.json()
    failed = [one["00081197"]["Value"][0] for one in said.get("00081198", {}).get("Value", [])]
    return answer.status_code, {"failed": failed, "stored": [len(said.get("00081199", {}).get("Value", []))]}


def spooled(installation: Installation) -> list[Path]:
    return sorted(Spool(installation.resources).root.rglob("*.dcm"))


def let_be_quiet(installation: Installation) -> int:
    installation.clock.advance(seconds=QUIET + 1)
    return complete_quiet_studies(installation.resources)


def studies(installation: Installation) -> list[Study]:
    with installation.resources.sessions() as session:
        return list(session.scalars(select(Study).order_by(Study.received_at)))


def test_one_study_over_several_associations_and_requests_is_one_study(
    installation: Installation, admin: TestClient, listener: DicomListener
) -> None:
    site = installation.add_site()
    peer = let_in(admin, site)
    files = dicom_files()
    assert send(listener.port, files[:1]) == [0]
    assert send(listener.port, files[1:2]) == [0]
    other = installation.add_api_client(Scope.STUDIES_WRITE, Scope.STUDIES_READ, site_id=site)
    assert post(other, files[2]) == (200, {"failed": [], "stored": [1]})
    assert complete_quiet_studies(installation.resources) == 0
    assert let_be_quiet(installation) == 1
    (study,) = studies(installation)
    assert (study.site_id, study.state.value, study.uploaded_by) == (site, "queued", peer)
    assert [one.slices for one in study_series(installation, study)] == [3]
    assert not spooled(installation)
    row = next(event for event in installation.audit() if event.action == "study.receive")
    assert (row.actor_kind.value, row.actor_id, row.site_id) == ("dicom_peer", peer, site)
    assert row.object_id == str(study.id)
    assert len(other.get(f"{ROOT}/instances").json()) == 3
    assert let_be_quiet(installation) == 0


def study_series(installation: Installation, study: Study) -> list:  # type: ignore[type-arg]
    with installation.resources.sessions() as session:
        return list(session.get_one(Study, study.id).series)


def test_what_is_sent_again_is_not_analysed_again_and_what_comes_late_is(
    installation: Installation, admin: TestClient, listener: DicomListener
) -> None:
    let_in(admin, installation.add_site())
    files = dicom_files()
    send(listener.port, files[:2])
    let_be_quiet(installation)
    send(listener.port, files[:1])
    assert let_be_quiet(installation) == 1
    assert len(studies(installation)) == 1
    send(listener.port, files)
    assert let_be_quiet(installation) == 1
    first, second = studies(installation)
    assert first.study_uid == second.study_uid


def test_received_instances_survive_a_restart(
    installation: Installation, admin: TestClient, listener: DicomListener, settings: GatewaySettings
) -> None:
    let_in(admin, installation.add_site())
    send(listener.port, dicom_files())
    listener.close()
    after = create_app(settings, clock=installation.clock).state.resources
    installation.clock.advance(seconds=QUIET + 1)
    assert complete_quiet_studies(after) == 1
    after.close()
    assert len(studies(installation)) == 1


def test_strangers_are_refused_and_peers_may_echo(
    installation: Installation, admin: TestClient, listener: DicomListener
) -> None:
    assert send(listener.port, dicom_files()[:1]) == [], "nobody is let in yet"
    peer = let_in(admin, installation.add_site())
    assert send(listener.port, dicom_files()[:1], title="STRANGER") == []
    assert send(listener.port, dicom_files()[:1], called="OTHER") == []
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", listener.port, ae_title="ICTUS")
    assert association.send_c_echo().Status == 0
    association.release()
    assert admin.delete(f"/api/v1/admin/dicom-peers/{peer}").status_code == 204
    assert send(listener.port, dicom_files()[:1]) == []
    assert not spooled(installation)


def test_with_a_certificate_only_tls_is_spoken_and_with_an_authority_only_with_its_own(
    installation: Installation, admin: TestClient, settings: GatewaySettings, tmp_path: Path
) -> None:
    let_in(admin, installation.add_site())
    (tmp_path / "ours").mkdir()
    (tmp_path / "others").mkdir()
    ours, others = Authority.into(tmp_path / "ours"), Authority.into(tmp_path / "others")
    certified = {"dimse_tls_cert": ours.certificate, "dimse_tls_key": ours.key}
    files = dicom_files()
    with listening(installation, settings, **certified) as listener:
        assert send(listener.port, files[:1], tls=ours.client()) == [0]
        assert send(listener.port, files[:1]) == []
    with listening(installation, settings, **certified, dimse_tls_ca=ours.root) as listener:
        assert send(listener.port, files[1:], tls=ours.client(certified=True)) == [0, 0]
        assert send(listener.port, files[:1], tls=ours.client()) == []
        stranger = ours.client()
        stranger.load_cert_chain(others.certificate, others.key)
        assert send(listener.port, files[:1], tls=stranger) == []
    assert len(spooled(installation)) == len(files)


def test_association_that_sends_too_much_and_mismatches_are_refused(
    installation: Installation, admin: TestClient, listener: DicomListener
) -> None:
    let_in(admin, installation.add_site())
    assert send(listener.port, dicom_files() + dicom_files(seed=1)) == [0, 0, 0, 0, 0xA700, 0xA700]
    liar = pydicom.dcmread(BytesIO(dicom_files()[0]))
    del liar.StudyInstanceUID
    buffer = BytesIO()
    liar.save_as(buffer)
    assert send(listener.port, (buffer.getvalue(),)) == [0xC000]
    assert len(spooled(installation)) == 3, "the fourth replaced one of the same UID"


def test_spool_that_is_full_refuses(
    make_settings,
    installation: Installation,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    client = installation.add_api_client(Scope.STUDIES_WRITE)
    object.__setattr__(installation.resources.settings, "dimse_reserve_mb", 1 << 40)
    assert post(client, dicom_files()[0]) == (409, {"failed": [0xA700], "stored": [0]})
    assert not spooled(installation)


def test_stow_says_of_each_instance_what_became_of_it(installation: Installation) -> None:
    client = installation.add_api_client(Scope.STUDIES_WRITE)
    good = dicom_files()[0]
    report = pydicom.dcmread(BytesIO(good))
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.34"
    other = BytesIO()
    report.save_as(other)
    code, said = post(client, good, picture(), other.getvalue(), good[:200])
    assert code == 202
    assert (sorted(said["failed"]), said["stored"]) == ([0x0122, 0xC000, 0xC000], [1])
    study = str(pydicom.dcmread(BytesIO(good)).StudyInstanceUID)
    assert post(client, good, study=f"/{study}")[0] == 200
    assert post(client, good, study="/1.2.3") == (409, {"failed": [0xA900], "stored": [0]})


def test_stow_refuses_other_bodies(installation: Installation) -> None:
    client = installation.add_api_client(Scope.STUDIES_WRITE)
    json_type = {"Content-Type": 'multipart/related; type="application/dicom+json"; boundary=b'}
    assert client.post(f"{ROOT}/studies", content=b"--b--", headers=json_type).status_code == 415
    dicom_type = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    assert client.post(f"{ROOT}/studies", content=b"--b\r\n", headers=dicom_type).status_code == 400
    long = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={"b" * 300}'}
    assert client.post(f"{ROOT}/studies", content=b"--b--", headers=long).status_code == 400
    reader = installation.add_api_client(Scope.STUDIES_READ)
    assert post_status(reader) == 403
    assert not spooled(installation)


def post_status(client: TestClient) -> int:
    return client.post(
        f"{ROOT}/studies", content=b"", headers={"Content-Type": "multipart/related"}
    ).status_code


def test_refused_studies_wait_in_quarantine_for_an_administrator_of_their_site(
    installation: Installation, admin: TestClient
) -> None:
    person = installation.add_person(Role.ADMIN)
    client = installation.add_api_client(Scope.STUDIES_WRITE, site_id=person.site_id)
    flat = pydicom.dcmread(BytesIO(dicom_files()[0]))
    flat.PixelData = b"\0" * len(flat.PixelData)
    buffer = BytesIO()
    flat.save_as(buffer)
    assert post(client, buffer.getvalue())[0] == 200
    assert let_be_quiet(installation) == 1
    assert not studies(installation)
    browser = person.sign_in()
    (held,) = browser.get("/api/v1/admin/incoming-studies", params={"state": "quarantined"}).json()
    assert held["code"] == "invalid_values"
    assert not traces_in(str(held).encode(), b"canary")
    assert spooled(installation)
    address = f"/api/v1/admin/incoming-studies/{held['id']}"
    assert admin.post(f"{address}/retry").status_code == 404, "of another site"
    assert browser.post(f"{address}/retry").json()["state"] == "accepting"
    assert complete_quiet_studies(installation.resources) == 1
    assert browser.delete(address).status_code == 204
    assert not spooled(installation)
    assert browser.delete(address).status_code == 409
    assert browser.delete(f"/api/v1/admin/incoming-studies/{uuid4()}").status_code == 404


def test_quarantine_ends(installation: Installation) -> None:
    client = installation.add_api_client(Scope.STUDIES_WRITE)
    broken = dicom_files()[0][:-3000]
    assert post(client, broken)[0] == 200
    let_be_quiet(installation)
    assert discard_overdue(installation.resources) == 0
    installation.clock.advance(hours=73)
    assert discard_overdue(installation.resources) == 1
    assert not spooled(installation)
    with installation.resources.sessions() as session:
        assert session.scalars(select(IncomingStudy.state)).all() == [IncomingState.DISCARDED]


def test_what_a_killed_process_was_working_on_is_removed_after_a_day(
    installation: Installation, settings: GatewaySettings
) -> None:
    assert settings.work_dir is not None
    left = [settings.work_dir / f"ictus-{word}-x" for word in ("upload", "receive", "pull")]
    for folder in left:
        folder.mkdir()
        (folder / "0.upload").write_bytes(b"Canary^Identity")
    other = settings.work_dir / "somebody-elses"
    other.mkdir()
    assert discard_overdue(installation.resources) == 0
    installation.clock.advance(hours=25)
    assert discard_overdue(installation.resources) == 3
    assert (other.exists(), [folder.exists() for folder in left]) == (True, [False] * 3)


def test_peers_have_one_site_each(installation: Installation, admin: TestClient) -> None:
    site = installation.add_site()
    let_in(admin, site)
    again = admin.post("/api/v1/admin/dicom-peers", json={"ae_title": "SCANNER", "site_id": str(site)})
    assert again.status_code == 409
    assert [one["ae_title"] for one in admin.get("/api/v1/admin/dicom-peers").json()] == ["SCANNER"]
    wrong = {"ae_title": "back\\slash", "site_id": str(site)}
    assert admin.post("/api/v1/admin/dicom-peers", json=wrong).status_code == 422
