"""Scanner and intensity are kept with a study, and nothing that tells one device from its like."""

from io import BytesIO
from uuid import UUID

import pydicom
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.gateway.analysis import Worker, prediction
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, picture, study_id, upload

from gateway.database import migrate
from gateway.studies.instances import index_older_studies
from gateway.studies.models import Instance, Series, Study
from ictus.contracts.prediction import HeadIntensity
from ictus.domain.enums import Role

SCANNER = "SIEMENS SOMATOM Force, Hr38f"
BEFORE = "0017"


@pytest.fixture
def browser(installation: Installation) -> TestClient:
    return installation.add_person(Role.CLINICIAN).sign_in()


def scanned(**stated: str | list[str]) -> tuple[bytes, ...]:
    """A series with attributes of its scanner."""
    files = []
    for content in dicom_files():
        instance = pydicom.dcmread(BytesIO(content))
        del instance.Manufacturer
        for keyword, value in stated.items():
            setattr(instance, keyword, value)
        buffer = BytesIO()
        pydicom.dcmwrite(buffer, instance, enforce_file_format=True)
        files.append(buffer.getvalue())
    return tuple(files)


def named() -> tuple[bytes, ...]:
    """A series of a named scanner, with all that a header may say of it."""
    return scanned(
        Manufacturer="SIEMENS",
        ManufacturerModelName="SOMATOM Force",
        ConvolutionKernel=["Hr38f", "3"],
        DeviceSerialNumber="SN-4711-CANARY",
        StationName="STATION-CANARY",
    )


def kept(installation: Installation, study: UUID) -> Study:
    with installation.resources.sessions() as session:
        return session.get_one(Study, study)


def test_the_kind_of_scanner_is_kept_and_not_which_one(
    installation: Installation, browser: TestClient
) -> None:
    study = study_id(upload(browser, *named()))
    assert kept(installation, study).scanner == SCANNER
    with installation.resources.sessions() as session:
        for instance in session.query(Instance):
            assert "CANARY" not in str(instance.attributes)


def test_what_a_header_does_not_say_is_not_made_up(installation: Installation, browser: TestClient) -> None:
    for files, told in (
        ((picture(),), None),
        (scanned(), None),
        (scanned(Manufacturer="Philips"), "Philips"),
        (scanned(ConvolutionKernel="UB"), "UB"),
        (scanned(Manufacturer="Philips", ManufacturerModelName="of CANARY-4711"), "Philips"),
    ):
        study = study_id(upload(browser, *files, modality="CT"))
        assert kept(installation, study).scanner == told


def test_studies_that_were_indexed_before_get_their_scanner_when_the_tables_move_on(
    installation: Installation, browser: TestClient
) -> None:
    study, bare = study_id(upload(browser, *named())), study_id(upload(browser, picture(), modality="CT"))
    url = installation.resources.settings.database_url.get_secret_value()
    try:
        migrate(url, BEFORE)
        with installation.resources.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM gateway.studies")).scalar_one() == 2
    finally:
        migrate(url)
    assert kept(installation, study).scanner == SCANNER
    assert kept(installation, bare).scanner is None


def test_studies_that_are_indexed_later_get_their_scanner_then(
    installation: Installation, browser: TestClient
) -> None:
    study = study_id(upload(browser, *named()))
    with installation.resources.sessions.begin() as session:
        session.query(Instance).delete()
        session.query(Study).update({Study.scanner: None})
        session.query(Series).update({Series.indexed: False})
    assert index_older_studies(installation.resources, most=10) == 1
    assert kept(installation, study).scanner == SCANNER


def test_how_bright_the_head_was_is_kept_with_the_study_and_an_answer_without_it_is_taken(
    installation: Installation, browser: TestClient
) -> None:
    worker = Worker.of(installation)
    study = study_id(upload(browser, *named()))
    intensity = HeadIntensity(mean=0.56, deviation=0.22, p05=0.3, median=0.5, p95=1)
    job = worker.must_claim()
    assert worker.complete(job, prediction(job, intensity=intensity)).status_code == 204
    assert (kept(installation, study).intensity_mean, kept(installation, study).intensity_deviation) == (
        0.56,
        0.22,
    )
    old = study_id(upload(browser, picture(), modality="CT"))
    assert worker.complete(worker.must_claim()).status_code == 204
    assert kept(installation, old).intensity_mean is None
    assert browser.get(f"/api/v1/studies/{old}").status_code == 200
