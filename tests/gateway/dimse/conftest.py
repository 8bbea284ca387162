"""An installation whose listener really listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pynetdicom import _config as pynetdicom_config
from tests.gateway.installation import Installation
from tests.receivers import LOOPBACK, free_port

from gateway.dimse.server import DicomListener
from gateway.settings import DimseSettings, GatewaySettings
from ictus.domain.enums import Role


@pytest.fixture
def settings(make_settings, tmp_path: Path) -> GatewaySettings:  # type: ignore[no-untyped-def]
    made: GatewaySettings = make_settings(work_dir=tmp_path)
    return made


@pytest.fixture
def admin(installation: Installation) -> TestClient:
    return installation.add_person(Role.ADMIN).sign_in()


@contextmanager
def listening(
    installation: Installation, settings: GatewaySettings, **changes: object
) -> Iterator[DicomListener]:
    """A listener of the installation; keywords are settings."""
    changed = {"dimse_port": free_port(), "dimse_host": LOOPBACK, "dimse_association_objects": 4} | changes
    listener = DicomListener(
        installation.resources, DimseSettings.model_validate(settings.model_dump() | changed)
    )
    try:
        yield listener
    finally:
        listener.close()
        pynetdicom_config.STORE_RECV_CHUNKED_DATASET = False


@pytest.fixture
def listener(installation: Installation, settings: GatewaySettings) -> Iterator[DicomListener]:
    with listening(installation, settings) as started:
        yield started


def let_in(admin: TestClient, site_id: UUID, title: str = "SCANNER") -> UUID:
    answer = admin.post("/api/v1/admin/dicom-peers", json={"ae_title": title, "site_id": str(site_id)})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])
