import pytest
from fastapi.testclient import TestClient
from tests.gateway.installation import Installation
from tests.gateway.learning import Trainer

from ictus.domain.enums import Role


@pytest.fixture(autouse=True)
def silent_bell(installation: Installation) -> None:
    """No wake-up of an earlier test."""
    installation.resources.redis.flushdb()


@pytest.fixture
def trainer(installation: Installation) -> Trainer:
    return Trainer.of(installation)


@pytest.fixture
def admin(installation: Installation) -> TestClient:
    return installation.add_person(Role.ADMIN).sign_in()
