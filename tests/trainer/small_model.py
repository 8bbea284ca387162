"""A complete model directory of the small network with random weights."""

from pathlib import Path

import pytest
from tests.ictus.conftest import manifest
from tests.trainer.conftest import SIZE

from ictus.model.manifest import (
    GRAPH_FILE,
    WEIGHTS_FILE,
    Architecture,
    ModelDirectory,
    ModelManifest,
    load_model_directory,
)
from ictus.model.preprocess import PreprocessParams
from trainer.build import describe

__all__ = ["manifest", "model"]


@pytest.fixture
def model(
    manifest: ModelManifest, architecture: Architecture, exported: Path, tmp_path: Path
) -> ModelDirectory:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in (GRAPH_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes((exported / name).read_bytes())
    changes = {"architecture": architecture, "preprocess": PreprocessParams(size=SIZE)}
    describe(folder, manifest.model_copy(update=changes))
    return load_model_directory(folder)
