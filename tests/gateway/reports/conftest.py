"""Studies that were analysed, with their pictures in the object store."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from tests.gateway.answers import answered
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files

from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition, Finding, Role


@dataclass(frozen=True)
class Analysed:
    """A study of a phantom and what a worker said of it."""

    study_id: str
    result: PredictionResult

    @property
    def page(self) -> str:
        return f"/api/v1/studies/{self.study_id}/report"

    @property
    def pdf(self) -> str:
        return f"{self.page}.pdf"


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


@pytest.fixture
def analyse(installation: Installation, browser: TestClient) -> Callable[..., Analysed]:
    """Upload a phantom as the clinician and complete its analysis; keywords go to ``prediction``."""

    def complete(
        disposition: Disposition = Disposition.CONFIDENT, finding: Finding | None = Finding.STROKE
    ) -> Analysed:
        files = dicom_files()
        return Analysed(*answered(installation, browser, *files, disposition=disposition, finding=finding))

    return complete
