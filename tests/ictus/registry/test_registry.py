import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow.tracking import MlflowClient

from ictus.domain.errors import ConflictError, NotFoundError, UnavailableError
from ictus.model.manifest import Metric, ModelRefusedError, load_model_directory
from ictus.model.signature import SIGNATURE_FILE
from ictus.registry import GATE_TAG, TRAINING_TAG, Registry, RunRecord
from local.model_keys import new_model_keys
from local.secret_files import ModelKeys
from trainer.sign import sign_manifest

Describe = Callable[..., None]
Sign = Callable[[Path], Path]


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def registry(mlflow_url: str, name: str, model_keys: ModelKeys) -> Registry:
    return Registry(mlflow_url, name, public_key=model_keys.public)


@pytest.fixture
def model_directory(model_directory: Path, sign_model: Sign) -> Path:
    return sign_model(model_directory)


@pytest.fixture
def describe_again(describe_again: Describe, sign_model: Sign) -> Describe:
    """Change members of the manifest and sign it again."""

    def describe(directory: Path, **changed: object) -> None:
        describe_again(directory, **changed)
        sign_model(directory)

    return describe


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


def test_challenger_is_known_until_it_is_promoted(
    registry: Registry, model_directory: Path, describe_again: Describe
) -> None:
    registry.promote(registry.publish(model_directory))
    assert registry.challenger() is None
    describe_again(model_directory, version="1.1.0")
    registry.challenge(registry.publish(model_directory))
    assert (registry.champion(), registry.challenger()) == ("1.0.0", "1.1.0")
    registry.promote("1.1.0")
    assert (registry.champion(), registry.challenger()) == ("1.1.0", None)


def test_run_keeps_how_the_model_came_about(
    registry: Registry,
    mlflow_url: str,
    name: str,
    model_directory: Path,
    describe_again: Describe,
    tmp_path: Path,
) -> None:
    describe_again(model_directory, metrics=(Metric(name="roc_auc", level="study", value=0.81),))
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "roc.png").write_bytes(b"curve")
    (tmp_path / "evaluation.json").write_text("{}")
    record = RunRecord(
        parameters={f"recipe.{number}": "x" for number in range(130)},
        curves={"loss.validation": [0.7, 0.5, 0.4]},
        tags={"ictus.code": "0.1.0 (abc)"},
        files=(figures, tmp_path / "evaluation.json"),
    )
    registry.publish(model_directory, record=record)

    client = MlflowClient(mlflow_url)
    experiment = client.get_experiment_by_name(name)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["study.roc_auc"] == 0.81
    assert run.data.params["dataset_sha256"] == "0" * 64
    assert run.data.params["recipe.129"] == "x"
    assert run.data.tags["ictus.code"] == "0.1.0 (abc)"
    losses = client.get_metric_history(run.info.run_id, "loss.validation")
    assert [(m.step, m.value) for m in losses] == [(0, 0.7), (1, 0.5), (2, 0.4)]
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("test", "0" * 36)
    kept = {entry.path for entry in client.list_artifacts(run.info.run_id, "record")}
    assert kept == {"record/figures", "record/evaluation.json"}
    (picture,) = client.list_artifacts(run.info.run_id, "record/figures")
    assert picture.path == "record/figures/roc.png"


def test_unsigned_model_is_not_published(registry: Registry, model_directory: Path) -> None:
    (model_directory / SIGNATURE_FILE).unlink()
    with pytest.raises(ModelRefusedError, match="not signed"):
        registry.publish(model_directory)
    assert registry.versions() == ()


def test_model_of_another_key_is_neither_described_nor_fetched(
    registry: Registry, mlflow_url: str, name: str, model_directory: Path, tmp_path: Path
) -> None:
    registry.publish(model_directory)
    other = Registry(mlflow_url, name, public_key=new_model_keys().public)
    for ask in (lambda: other.manifest("1.0.0"), lambda: other.fetch("1.0.0", tmp_path / "cache")):
        with pytest.raises(ModelRefusedError, match="another key"):
            ask()
    assert not (tmp_path / "cache" / "1.0.0").exists()


def test_without_a_key_no_model_is_believed(
    registry: Registry, mlflow_url: str, name: str, model_directory: Path, tmp_path: Path
) -> None:
    registry.publish(model_directory)
    keyless = Registry(mlflow_url, name)
    assert keyless.versions() == ("1.0.0",)
    for ask in (lambda: keyless.manifest("1.0.0"), lambda: keyless.fetch("1.0.0", tmp_path)):
        with pytest.raises(ModelRefusedError, match="no key"):
            ask()


def test_model_that_somebody_exchanged_on_the_server_is_refused(
    registry: Registry,
    mlflow_url: str,
    name: str,
    model_directory: Path,
    describe_again: Describe,
    tmp_path: Path,
) -> None:
    """Who writes to the artefact store, and even knows the digests, still has no key."""
    registry.publish(model_directory)
    client = MlflowClient(mlflow_url)
    experiment = client.get_experiment_by_name(name)
    (run,) = client.search_runs([experiment.experiment_id])
    old = shutil.copy(model_directory / SIGNATURE_FILE, tmp_path / SIGNATURE_FILE)
    describe_again(model_directory, licence="MIT")
    client.log_artifact(run.info.run_id, str(model_directory / "manifest.json"), "model")
    client.log_artifact(run.info.run_id, str(old), "model")
    with pytest.raises(ModelRefusedError, match="changed since"):
        registry.manifest("1.0.0")
    with pytest.raises(ModelRefusedError, match="changed since"):
        registry.fetch("1.0.0", tmp_path / "cache")


def test_publishing_again_with_a_new_key_renews_the_signature(
    registry: Registry, mlflow_url: str, name: str, model_directory: Path, tmp_path: Path
) -> None:
    registry.publish(model_directory)
    keys = new_model_keys()
    sign_manifest(model_directory / "manifest.json", keys.private, model_directory / SIGNATURE_FILE)
    renewed = Registry(mlflow_url, name, public_key=keys.public)
    renewed.publish(model_directory)
    assert renewed.manifest("1.0.0").version == "1.0.0"
    with pytest.raises(ModelRefusedError):
        registry.manifest("1.0.0")


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


def test_versions_are_described_with_aliases_tags_and_figures(
    registry: Registry, model_directory: Path, describe_again: Describe
) -> None:
    assert registry.described_versions() == ()
    describe_again(model_directory, metrics=(Metric(name="roc_auc", level="study", value=0.81),))
    registry.promote(registry.publish(model_directory))
    describe_again(model_directory, version="1.1.0")
    record = RunRecord(metrics={"test_auc": 0.9}, tags={GATE_TAG: "passed", TRAINING_TAG: "some-id"})
    registry.challenge(registry.publish(model_directory, record=record))
    newest, oldest = registry.described_versions()
    assert (newest.version, newest.aliases, newest.gate) == ("1.1.0", {"challenger"}, "passed")
    assert (oldest.version, oldest.aliases, oldest.gate) == ("1.0.0", {"champion"}, None)
    assert newest.sha256 == load_model_directory(model_directory).sha256
    assert newest.tags[TRAINING_TAG] == "some-id"
    assert (newest.figures["test_auc"], oldest.figures["study.roc_auc"]) == (0.9, 0.81)
    assert oldest.registered_at <= newest.registered_at
    assert registry.describe("1.1.0") == newest
    with pytest.raises(NotFoundError):
        registry.describe("9.9.9")


def test_a_challenger_can_be_withdrawn(registry: Registry, model_directory: Path) -> None:
    registry.withdraw_challenger()
    registry.challenge(registry.publish(model_directory))
    registry.withdraw_challenger()
    assert registry.challenger() is None
    assert registry.versions() == ("1.0.0",)
