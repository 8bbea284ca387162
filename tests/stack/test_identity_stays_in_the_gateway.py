"""A canary patient goes through the whole stack; then every place but the gateway's key is searched for it."""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from minio import Minio
from pynetdicom import AE
from redis import Redis
from tests.canary import PATIENT, traces_in

from gateway.dimse.spool import FOLDER
from ictus.imaging import phantom
from local.ports import LOOPBACK
from local.stack import LocalStack
from local.supervisor_client import wait_for

pytestmark = pytest.mark.timeout(400)  # a stack starts, and three studies go through it, on a busy machine

CT = "1.2.840.10008.5.1.4.1.1.2"
PROCESSES = ("gateway", "gateway-tasks", "dimse", "feedback", "inference", "trainer")
OTHER_SERVICES = ("feedback", "inference", "trainer")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ictus-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[LocalStack]:
    with LocalStack(
        folder, processes=PROCESSES, settings={"ICTUS_LOG_LEVEL": "DEBUG", "ICTUS_DIMSE_QUIET_SECONDS": "2"}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def analysed(stack: LocalStack) -> dict[str, object]:
    """The canary's study after its analysis, as an authorised reader of its site sees it."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as series, zipfile.ZipFile(packed, "w") as archive:
        head = phantom.head_ct(slices=10, bleed=phantom.Bleed())
        for path in phantom.write_dicom_series(head, Path(series), PATIENT):
            archive.write(path, f"{PATIENT.patient_id}/{PATIENT.name}-{path.name}")
    scopes = [
        part for scope in ("studies:write", "studies:read", "reports:read") for part in ("--scope", scope)
    ]
    key = stack.run_command(
        "gateway", "gateway.cli", "create-api-key", "Canary test", "--hours", "1", *scopes
    ).strip()
    with httpx.Client(
        base_url=f"{stack.url('gateway')}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as api:
        # A refused upload that carries the same identity must not be remembered either.
        broken = packed.getvalue()[: len(packed.getvalue()) // 2]
        name = f"{PATIENT.name}.zip"
        assert api.post("/studies", files={"files": (name, broken)}).is_client_error
        made = api.post("/studies", files={"files": (name, packed.getvalue())}).raise_for_status().json()
        study: dict[str, object] = {}

        def ended() -> bool:
            study.update(api.get(f"/studies/{made['id']}").raise_for_status().json())
            return study["state"] in {"completed", "failed"}

        wait_for(ended, timeout_s=100, waiting_for="the canary's answer")
        assert api.get(f"/studies/{made['id']}/report.pdf").is_success
        sent_by_dicom(stack, api)
    return study


def sent_by_dicom(stack: LocalStack, api: httpx.Client) -> None:
    """Send the canary again by STOW-RS and by C-STORE, each with a scan that is taken and one that is refused."""
    stack.run_command("gateway", "gateway.cli", "add-dicom-peer", "CANARY")
    entity = AE(ae_title="CANARY")
    entity.add_requested_context(CT)
    for seed in (1, 2):
        head = phantom.head_ct(slices=4, seed=seed)
        taken = list(phantom.dicom_series(head, PATIENT, seed=seed))
        (refused,) = phantom.dicom_series(phantom.head_ct(slices=1), PATIENT, seed=10 + seed)
        refused.PixelData = bytes(len(refused.PixelData))
        if seed == 1:
            files = [io.BytesIO() for _ in (*taken, refused)]
            for file, instance in zip(files, (*taken, refused), strict=True):
                instance.save_as(file, enforce_file_format=True)
            body = b"".join(b"--b\r\n\r\n" + file.getvalue() + b"\r\n" for file in files) + b"--b--\r\n"
            related = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
            api.post("/dicomweb/studies", content=body, headers=related).raise_for_status()
        else:
            association = entity.associate(LOOPBACK, stack.ports["dimse"], ae_title="ICTUS")
            assert [association.send_c_store(one).Status for one in (*taken, refused)] == [0] * 5
            association.release()
    wait_for(
        lambda: len(api.get("/dicomweb/studies").json()) == 3,
        timeout_s=100,
        waiting_for="the studies sent by DICOM",
    )
    spool = stack.data / "work" / FOLDER

    def only_quarantine_is_left() -> bool:
        return len(list(spool.rglob("*.dcm"))) == 2

    wait_for(only_quarantine_is_left, timeout_s=100, waiting_for="the spool to be emptied")


def test_an_authorised_reader_sees_who_the_patient_is(analysed: dict[str, object]) -> None:
    assert analysed["state"] == "completed"
    assert PATIENT.patient_id in str(analysed)


def test_no_object_in_s3_names_the_patient(stack: LocalStack, analysed: dict[str, object]) -> None:
    client = Minio(
        f"{LOOPBACK}:{stack.ports['s3']}",
        access_key=stack.credentials.s3_access_key,
        secret_key=stack.credentials.s3_secret_key,
        secure=False,
    )
    keys = [
        (bucket.name, item.object_name or "")
        for bucket in client.list_buckets()
        for item in client.list_objects(bucket.name, recursive=True)
    ]
    assert any(str(analysed["id"]) in key for _, key in keys)
    for bucket, key in keys:
        content = client.get_object(bucket, key)
        found = traces_in(content.read() + key.encode())
        content.close()
        assert not found, f"{key} names the patient"


def test_no_key_or_value_in_redis_names_the_patient(stack: LocalStack, analysed: dict[str, object]) -> None:
    with Redis(LOOPBACK, stack.ports["redis"], password=stack.credentials.redis_password) as redis:
        for key in redis.scan_iter():
            assert not traces_in(key + (redis.dump(key) or b""))


def test_no_file_of_the_installation_names_the_patient(
    stack: LocalStack, analysed: dict[str, object]
) -> None:
    """Logs, the database's pages and log, Redis's file, S3's volumes, spooled uploads, model caches."""
    knows_the_study = []
    quarantine = stack.data / "work" / FOLDER
    assert quarantine.stat().st_mode & 0o077 == 0, "the one place that names patients is closed to others"
    for path in stack.data.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.is_relative_to(quarantine):
            content = path.read_bytes() + path.name.encode()
            assert not traces_in(content), f"{path} names the patient"
            if str(analysed["id"]).encode() in content:
                knows_the_study.append(path)
    assert knows_the_study, "the search does not see what the stack writes"


def test_no_environment_or_command_line_names_the_patient_or_the_database(
    stack: LocalStack, analysed: dict[str, object]
) -> None:
    for name in PROCESSES:
        process = psutil.Process(stack.pid(name))
        for one in (process, *process.children(recursive=True)):
            told = f"{one.environ()} {one.cmdline()}".encode()
            assert not traces_in(told), f"{name} was told who the patient is"
            if name in {"inference", "trainer"}:
                assert b"postgresql://" not in told


@pytest.mark.parametrize("service", OTHER_SERVICES)
def test_other_services_hold_neither_the_identity_key_nor_the_gateways_database(
    stack: LocalStack, service: str
) -> None:
    held = b"".join(
        path.read_bytes() for path in (stack.data / "secrets" / service).rglob("*") if path.is_file()
    )
    assert held
    assert stack.credentials.identity_key.encode() not in held
    assert stack.credentials.gateway_password.encode() not in held
