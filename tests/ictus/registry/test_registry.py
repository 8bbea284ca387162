import socket
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from ictus.domain.errors import ConflictError, NotFoundError, UnavailableError
from ictus.model.manifest import ModelRefusedError, load_model_directory
from ictus.registry import Registry

Describe = Callable[..., None]


@pytest.fixture
def registry(mlflow_url: str) -> Registry:
    return Registry(mlflow_url, f"test-{uuid4().hex[:8]}")


def test_a_published_model_comes_back_byte_for_byte(
    registry: Registry, model_directory: Path, tmp_path: Path
) -> None:
    assert registry.champion() is None
    version = registry.publish(model_directory)
    assert registry.champion() is None
    registry.promote(version)
    assert registry.champion() == version == "1.0.0"
    fetched = registry.fetch(version, tmp_path / "cache")
    assert fetched.path == tmp_path / "cache" / version
    for file in model_directory.iterdir():
        assert (fetched.path / file.name).read_bytes() == file.read_bytes()


def test_manifest_comes_without_the_weights(registry: Registry, model_directory: Path) -> None:
    published = load_model_directory(model_directory).manifest
    assert registry.manifest(registry.publish(model_directory)) == published
    with pytest.raises(NotFoundError):
        registry.manifest("9.9.9")


def test_publishing_again_changes_nothing(registry: Registry, model_directory: Path) -> None:
    registry.publish(model_directory)
    registry.publish(model_directory)
    assert registry.versions() == ("1.0.0",)


def test_version_is_never_given_twice(
    registry: Registry, model_directory: Path, describe_again: Describe
) -> None:
    registry.publish(model_directory)
    describe_again(model_directory, licence="MIT")
    with pytest.raises(ConflictError):
        registry.publish(model_directory)


def test_champion_moves_to_the_promoted_version(
    registry: Registry, model_directory: Path, describe_again: Describe
) -> None:
    registry.promote(registry.publish(model_directory))
    describe_again(model_directory, version="1.1.0")
    registry.promote(registry.publish(model_directory))
    assert registry.champion() == "1.1.0"
    registry.promote("1.0.0")
    assert registry.champion() == "1.0.0"
    assert registry.versions() == ("1.1.0", "1.0.0")


def test_changed_model_is_refused_before_anything_is_sent(registry: Registry, model_directory: Path) -> None:
    (model_directory / "weights.pt").write_bytes(b"weighty")
    with pytest.raises(ModelRefusedError):
        registry.publish(model_directory)
    assert registry.versions() == ()


def test_cached_model_that_was_changed_is_refused(
    registry: Registry, model_directory: Path, tmp_path: Path
) -> None:
    fetched = registry.fetch(registry.publish(model_directory), tmp_path)
    (fetched.path / "model.onnx").write_bytes(b"grape")
    with pytest.raises(ModelRefusedError):
        registry.fetch("1.0.0", tmp_path)


def test_unknown_version_is_said_to_be_unknown(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        registry.fetch("9.9.9", tmp_path)
    with pytest.raises(NotFoundError):
        registry.promote("9.9.9")


def test_registry_that_is_away_is_said_to_be_away() -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        away = Registry(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}", "any")
        with pytest.raises(UnavailableError):
            away.champion()
