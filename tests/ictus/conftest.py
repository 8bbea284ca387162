from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictus.domain.enums import Finding, Modality
from ictus.model.aggregation import Aggregation
from ictus.model.calibration import Calibration
from ictus.model.conformal import ConformalQuantiles
from ictus.model.manifest import (
    GRAPH_FILE,
    MANIFEST_FILE,
    WEIGHTS_FILE,
    Architecture,
    Decision,
    FileDigest,
    ModelClass,
    ModelManifest,
    Training,
    Validation,
    Wording,
    file_sha256,
)
from ictus.model.preprocess import PreprocessParams
from ictus.model.suitability import Suitability

LIMITS = ConformalQuantiles(stroke_floor=0.2, normal_floor=0.3, stroke_error_rate=0.05, normal_error_rate=0.1)


@pytest.fixture
def manifest() -> ModelManifest:
    return ModelManifest(
        name="test",
        version="1.0.0",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        licence="Apache-2.0",
        architecture=Architecture(),
        classes=(
            ModelClass(name="normal", finding=Finding.NORMAL),
            ModelClass(name="stroke", finding=Finding.STROKE),
        ),
        explained_class="stroke",
        embedding_size=8,
        preprocess=PreprocessParams(),
        calibration=Calibration(temperature=1.0),
        aggregation=Aggregation(k=2, minimum_slices=4),
        decision=Decision(study=LIMITS, slice=LIMITS),
        suitability=Suitability(),
        validation=Validation(
            modalities=(Modality.CT,), body_parts=("HEAD",), statement="Validated for haemorrhage on head CT."
        ),
        wording=Wording(
            looked_for="intracranial haemorrhage",
            stroke="Haemorrhage suspected.",
            normal="No haemorrhage found; ischaemic stroke is not assessed by this model.",
            stroke_tendency="Not sure; rather haemorrhage.",
            normal_tendency="Not sure; rather none.",
            none="No finding.",
        ),
        metrics=(),
        training=Training(
            dataset="test",
            dataset_sha256="0" * 64,
            patients=1,
            slices=1,
            seed=0,
            pretrained="none",
            evaluation="none",
        ),
        files={},
    )


@pytest.fixture
def model_directory(tmp_path: Path, manifest: ModelManifest) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    files = {}
    for name, content in ((GRAPH_FILE, b"graph"), (WEIGHTS_FILE, b"weights")):
        (directory / name).write_bytes(content)
        files[name] = FileDigest(sha256=file_sha256(directory / name), size=len(content))
    complete = manifest.model_copy(update={"files": files})
    (directory / MANIFEST_FILE).write_bytes(complete.to_json())
    return directory


@pytest.fixture
def describe_again() -> Callable[..., None]:
    """Change members of a model directory's manifest, as another training would."""

    def describe(directory: Path, **changed: str) -> None:
        manifest = ModelManifest.model_validate_json((directory / MANIFEST_FILE).read_bytes())
        (directory / MANIFEST_FILE).write_bytes(manifest.model_copy(update=changed).to_json())

    return describe
