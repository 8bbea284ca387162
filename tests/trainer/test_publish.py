"""A model is signed, registered with its run, and answers only when it should."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow.tracking import MlflowClient
from tests.ictus.conftest import describe_again, manifest, model_directory
from typer.testing import CliRunner

from ictus.model.manifest import ModelRefusedError
from local.secret_files import ModelKeys
from trainer.cli import app
from trainer.publish import Publisher, model_bell

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"

__all__ = ["describe_again", "manifest", "model_directory"]


@pytest.fixture
def publisher(mlflow_url: str, model_keys: ModelKeys) -> Publisher:
    return Publisher(mlflow_url, f"test-{uuid4().hex[:8]}", model_keys.private, ring=lambda: None)


def test_first_model_becomes_champion_and_the_workers_are_told_once(
    mlflow_url: str, model_keys: ModelKeys, tmp_path: Path
) -> None:
    rings: list[int] = []
    publisher = Publisher(
        mlflow_url, f"test-{uuid4().hex[:8]}", model_keys.private, ring=lambda: rings.append(1)
    )
    for _ in range(2):
        published = publisher.publish(STARTER)
        assert published.is_champion
    registry = publisher.registry
    assert registry.champion() == published.version
    assert len(rings) == 1
    fetched = registry.fetch(published.version, tmp_path)  # by the public key that belongs to the private one
    assert (fetched.path / "weights.pt").read_bytes() == (STARTER / "weights.pt").read_bytes()
    assert not (STARTER / "manifest.json.sig").exists()  # nothing is written in the directory


def test_later_model_is_the_challenger_until_it_is_promoted(
    publisher: Publisher, model_directory: Path, describe_again: Callable[..., None]
) -> None:
    assert publisher.publish(model_directory).is_champion
    describe_again(model_directory, version="1.1.0")
    assert not publisher.publish(model_directory).is_champion
    registry = publisher.registry
    assert (registry.champion(), registry.challenger()) == ("1.0.0", "1.1.0")
    assert publisher.publish(model_directory, promote=True).is_champion
    assert (registry.champion(), registry.challenger()) == ("1.1.0", None)


def test_run_keeps_what_training_left_beside_the_model(
    publisher: Publisher, mlflow_url: str, model_directory: Path
) -> None:
    (model_directory / "figures").mkdir()
    (model_directory / "figures" / "roc.png").write_bytes(b"a picture")
    (model_directory / "evaluation.json").write_text("{}")
    (model_directory / "history.json").write_text('{"loss.training": [0.9, 0.6]}')
    publisher.publish(model_directory)

    client = MlflowClient(mlflow_url)
    experiment = client.get_experiment_by_name(publisher.model_name)
    (run,) = client.search_runs([experiment.experiment_id])
    assert [m.value for m in client.get_metric_history(run.info.run_id, "loss.training")] == [0.9, 0.6]
    assert run.data.params["preprocess.size"] == "224"
    assert run.data.tags["ictus.code"].startswith("0.1.0")
    kept = {entry.path for entry in client.list_artifacts(run.info.run_id, "record")}
    assert kept == {"record/figures", "record/evaluation.json", "record/history.json"}


def test_changed_model_is_not_signed(publisher: Publisher, model_directory: Path) -> None:
    (model_directory / "weights.pt").write_bytes(b"weighty")
    with pytest.raises(ModelRefusedError):
        publisher.publish(model_directory)
    assert publisher.registry.versions() == ()


def test_workers_that_cannot_be_told_keeps_nobody_from_publishing() -> None:
    model_bell("redis://127.0.0.1:1/0")()


def test_publish_without_a_registry_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICTUS_MLFLOW_URL", raising=False)
    result = CliRunner().invoke(app, ["publish", str(STARTER)])
    assert result.exit_code == 2
    assert "ICTUS_MLFLOW_URL" in result.output


def test_publish_without_a_key_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICTUS_MODEL_PRIVATE_KEY", raising=False)
    result = CliRunner().invoke(app, ["publish", str(STARTER), "--mlflow-url", "http://127.0.0.1:1"])
    assert result.exit_code == 2
    assert "ICTUS_MODEL_PRIVATE_KEY" in result.output


def test_dry_run_of_publish_sends_nothing(model_keys: ModelKeys, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(model_keys.private)
    arguments = ["publish", str(STARTER), "--mlflow-url", "http://127.0.0.1:1", "--key", str(key)]
    said = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert said.exit_code == 0, said.output
    assert "would be signed and registered as ictus" in said.output
    assert CliRunner().invoke(app, arguments).exit_code == 1  # nobody listens there


def test_key_that_is_none_is_said(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("no key")
    arguments = ["publish", str(STARTER), "--mlflow-url", "http://127.0.0.1:1", "--key", str(key)]
    result = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert result.exit_code == 1
    assert "not an unencrypted PEM private key" in result.output


def test_history_that_is_no_history_is_said(model_keys: ModelKeys, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    shutil.copytree(STARTER, directory)
    (directory / "history.json").write_text("[1, 2]")
    key = tmp_path / "key.pem"
    key.write_text(model_keys.private)
    arguments = ["publish", str(directory), "--mlflow-url", "http://127.0.0.1:1", "--key", str(key)]
    result = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert result.exit_code == 1
    assert "history.json" in result.output


def test_card_check_passes_for_the_starter() -> None:
    assert CliRunner().invoke(app, ["card", "--check", str(STARTER)]).exit_code == 0


@pytest.mark.parametrize("command", sorted(command.name for command in app.registered_commands))
def test_help_of_each_command_teaches(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 600
