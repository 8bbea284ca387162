import hashlib
import json
from pathlib import Path

import pytest

from ictus.model.manifest import (
    MANIFEST_FILE,
    WEIGHTS_FILE,
    ModelManifest,
    ModelRefusedError,
    load_model_directory,
)


def test_complete_directory_is_loaded_and_named_by_its_manifests_digest(model_directory: Path) -> None:
    model = load_model_directory(model_directory)
    assert model.sha256 == hashlib.sha256((model_directory / MANIFEST_FILE).read_bytes()).hexdigest()
    assert model.manifest.stroke_classes == (1,)


def test_flipped_byte_is_refused(model_directory: Path) -> None:
    weights = model_directory / WEIGHTS_FILE
    content = bytearray(weights.read_bytes())
    content[3] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelRefusedError, match=r"weights\.pt was changed"):
        load_model_directory(model_directory)


def test_missing_file_is_refused(model_directory: Path) -> None:
    (model_directory / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelRefusedError, match="missing"):
        load_model_directory(model_directory)


def test_link_in_place_of_a_file_is_refused(model_directory: Path, tmp_path: Path) -> None:
    weights = model_directory / WEIGHTS_FILE
    elsewhere = weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(elsewhere)
    with pytest.raises(ModelRefusedError):
        load_model_directory(model_directory)


def test_file_name_that_leaves_the_directory_is_refused(model_directory: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    manifest = json.loads((model_directory / MANIFEST_FILE).read_bytes())
    manifest["files"]["../outside"] = {"sha256": hashlib.sha256(b"x").hexdigest(), "size": 1}
    (model_directory / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelRefusedError):
        load_model_directory(model_directory)


@pytest.mark.parametrize(
    ("member", "value"), [("format_version", 0), ("format_version", 2), ("not_known_here", 1)]
)
def test_other_format_is_refused(model_directory: Path, member: str, value: int) -> None:
    manifest = json.loads((model_directory / MANIFEST_FILE).read_bytes()) | {member: value}
    (model_directory / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelRefusedError, match="of another format"):
        load_model_directory(model_directory)


def test_manifest_must_name_graph_and_weights(model_directory: Path, manifest: ModelManifest) -> None:
    (model_directory / MANIFEST_FILE).write_bytes(manifest.to_json())
    with pytest.raises(ModelRefusedError, match=r"does not name model\.onnx, weights\.pt"):
        load_model_directory(model_directory)


def test_manifest_survives_its_own_json(manifest: ModelManifest) -> None:
    again = ModelManifest.model_validate_json(manifest.to_json())
    assert again == manifest
    assert again.to_json() == manifest.to_json()
