from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from ictus.registry import Registry
from trainer.cli import app
from trainer.publish import publish_model

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


def test_first_model_becomes_champion_and_the_workers_are_told_once(mlflow_url: str) -> None:
    registry = Registry(mlflow_url, f"test-{uuid4().hex[:8]}")
    rings: list[int] = []
    for _ in range(2):
        published = publish_model(registry, STARTER, lambda: rings.append(1))
        assert published.is_champion
    assert registry.champion() == published.version
    assert len(rings) == 1


def test_publish_without_a_registry_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICTUS_MLFLOW_URL", raising=False)
    result = CliRunner().invoke(app, ["publish", str(STARTER)])
    assert result.exit_code == 2
    assert "ICTUS_MLFLOW_URL" in result.output


def test_card_check_passes_for_the_starter() -> None:
    assert CliRunner().invoke(app, ["card", "--check", str(STARTER)]).exit_code == 0


@pytest.mark.parametrize("command", ["train", "evaluate", "export", "publish", "card"])
def test_help_of_each_command_teaches(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 300
