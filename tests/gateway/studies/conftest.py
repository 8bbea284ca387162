import pytest
from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker
from tests.gateway.installation import Installation, Person

from ictus.domain.enums import Role


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


@pytest.fixture
def stranger(installation: Installation) -> TestClient:
    """Somebody of another site."""
    return installation.add_person(Role.RADIOLOGIST).sign_in()


@pytest.fixture
def worker(installation: Installation) -> Worker:
    return Worker.of(installation)
