from uuid import UUID

import pytest
from tests.gateway.analysis import Worker
from tests.gateway.installation import Installation


@pytest.fixture(autouse=True)
def silent_bell(installation: Installation) -> None:
    """No wake-up of an earlier test."""
    installation.resources.redis.flushdb()


@pytest.fixture
def site(installation: Installation) -> UUID:
    return installation.add_site()


@pytest.fixture
def worker(installation: Installation) -> Worker:
    return Worker.of(installation)
