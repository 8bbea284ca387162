"""Intake as the tests call it: in this process for speed; ``test_sandbox`` goes through the child."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ictus.domain.enums import Modality
from ictus.imaging.analysis import analyse
from ictus.imaging.intake import IntakeLimits, IntakeOutcome, IntakeRequest, IntakeSeries
from ictus.imaging.volume import Volume

Analyse = Callable[..., IntakeOutcome]
KEY = bytes(range(32))


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def read(workdir: Path) -> Analyse:
    """``read(*paths, modality=, limits=)``: the outcome of an upload of these files."""

    def call(
        *paths: Path, modality: Modality | None = None, limits: IntakeLimits | None = None
    ) -> IntakeOutcome:
        return analyse(IntakeRequest(paths, KEY, workdir, modality, limits or IntakeLimits()))

    return call


@pytest.fixture
def volume_of() -> Callable[[IntakeSeries], Volume]:
    return lambda series: Volume.from_bytes(series.volume_path.read_bytes())
