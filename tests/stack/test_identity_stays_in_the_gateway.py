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
from redis import Redis
from tests.canary import PATIENT, traces_in

from ictus.imaging import phantom
from local.ports import LOOPBACK
from local.stack import LocalStack
from local.supervisor_client import wait_for

PROCESSES = ("gateway", "gateway-tasks", "feedback", "inference", "trainer")
OTHER_SERVICES = ("feedback", "inference", "trainer")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ictus-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[LocalStack]:
    with LocalStack(folder, processes=PROCESSES, settings={"ICTUS_LOG_LEVEL": "DEBUG"}) as running:
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
    return study


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
    for path in stack.data.rglob("*"):
        if path.is_file() and not path.is_symlink():
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
