"""The real starter model, phantoms, and the real gateway behind a real HTTP server."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.gateway.conftest import (  # noqa: F401  fixtures that this package shares with the gateway's tests
    clean_database,
    clock,
    database_admin,
    db,
    installation,
    logging_as_in_production,
    make_settings,
    migrated_database,
    settings,
)
from tests.gateway.installation import Installation
from tests.inference.published import Published
from tests.serving import served

from ictus.domain.enums import Stage
from ictus.http.client import ServiceClient
from ictus.imaging import phantom
from ictus.imaging.volume import Volume
from ictus.model.manifest import MANIFEST_FILE, ModelManifest, load_model_directory
from inference.artefacts import LoadedModel, ModelStore, load_model
from inference.engine import EngineOptions
from inference.jobs import JobsClient

STARTER = REPOSITORY / "models" / "starter"
OPTIONS = EngineOptions(threads=1, batch=2)


def ignore_progress(stage: Stage, done: int = 0, total: int = 0) -> None:
    """A report that nobody reads."""


def revised(source: Path, target: Path, **changes: object) -> Path:
    """A copy of a model directory whose manifest differs."""
    shutil.copytree(source, target)
    manifest = ModelManifest.model_validate_json((source / MANIFEST_FILE).read_bytes())
    (target / MANIFEST_FILE).write_bytes(manifest.model_copy(update=changes).to_json())
    return target


def store_at(root: Path, published: Published, monotonic: Callable[[], float] = time.monotonic) -> ModelStore:
    """A worker's models, which takes unsigned ones and looks at the registry when it is told to."""
    return ModelStore(
        root, lambda: published, OPTIONS, public_key=None, poll_seconds=3600, monotonic=monotonic
    )


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter model without its embedding check, which knows a drawn head from a patient's."""
    suitability = load_model_directory(STARTER).manifest.suitability
    return revised(
        STARTER,
        tmp_path_factory.mktemp("model") / "starter",
        suitability=suitability.model_copy(update={"embedding": None}),
    )


@pytest.fixture(scope="session")
def starter(model_folder: Path) -> LoadedModel:
    """That model, loaded once."""
    return load_model(model_folder, OPTIONS)


@pytest.fixture(scope="session")
def head() -> Volume:
    """A head CT of nine slices with a bleed."""
    return phantom.head_ct(slices=9, size=128, bleed=phantom.Bleed())


@pytest.fixture
def another_version(model_folder: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes a copy of the model under another version, in a folder of that name."""
    return lambda version: revised(model_folder, tmp_path / "published" / version, version=version)


@pytest.fixture
def published(another_version: Callable[[str], Path]) -> Published:
    """Versions 1 and 2; version 1 is the champion."""
    return Published({"1": another_version("1"), "2": another_version("2")}, best="1")


@pytest.fixture
def gateway_url(installation: Installation) -> Iterator[str]:  # noqa: F811
    """Address of the real gateway, served by uvicorn on a free port."""
    with served(installation.app, lifespan="off") as url:
        yield url


@pytest.fixture
def jobs(gateway_url: str, installation: Installation) -> Iterator[JobsClient]:  # noqa: F811
    """The gateway's job protocol, as a worker of this installation speaks it."""
    token = installation.resources.settings.inference_token.get_secret_value()
    with ServiceClient(gateway_url, token) as client:
        yield JobsClient(client, "worker-under-test")
