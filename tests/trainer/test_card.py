"""The card says what the manifest and the run say, and nothing else."""

import json

import pytest
from tests.trainer.small_model import manifest, model
from typer.testing import CliRunner

from ictus.model.manifest import CARD_FILE, Metric, ModelDirectory, ModelManifest, load_model_directory
from trainer.card import CardError, read_run, render_card
from trainer.cli import app
from trainer.evaluation.operating import Confusion
from trainer.evaluation.report import EvaluationReport, LevelReport

__all__ = ["manifest", "model"]


def evaluation(manifest: ModelManifest, **changes: str) -> EvaluationReport:
    level = LevelReport(
        level="slice",
        examples=40,
        strokes=10,
        patients=4,
        metrics=(Metric(name="roc_auc", level="slice", value=0.777, low=0.7, high=0.85),),
        confusion=Confusion(true_positive=5, false_negative=5, false_positive=3, true_negative=27),
        operating_points=(),
        sets=(),
    )
    said = {
        "model": manifest.name,
        "version": manifest.version,
        "model_sha256": None,
        "dataset": "elsewhere",
        "dataset_sha256": "1" * 64,
        "how": "Calibration and limits as in the manifest.",
        "seed": 0,
        "levels": (level,),
    }
    return EvaluationReport.model_validate(said | changes)


def test_card_follows_the_run(model: ModelDirectory) -> None:
    bare = (model.path / CARD_FILE).read_text()
    assert "## Recipe" not in bare
    assert "No external" in bare
    report = evaluation(model.manifest)
    (model.path / "evaluation.json").write_text(report.model_dump_json())
    (model.path / "recipe.json").write_text(
        json.dumps({"training": {"frozen_depth": "layer4", "epochs": 12}})
    )
    (model.path / "figures").mkdir()
    (model.path / "figures" / "roc.png").write_bytes(b"a picture")
    assert CliRunner().invoke(app, ["card", str(model.path), "--check"]).exit_code == 1
    printed = CliRunner().invoke(app, ["card", str(model.path), "--dry-run"])
    assert (model.path / CARD_FILE).read_text() == bare
    assert CliRunner().invoke(app, ["card", str(model.path)]).exit_code == 0
    assert CliRunner().invoke(app, ["card", str(model.path), "--check"]).exit_code == 0
    card = (model.path / CARD_FILE).read_text()
    assert printed.stdout.strip() == card.strip()
    for phrase in (
        "## On slices that the model has not seen",
        "0.777 (0.700 to 0.850)",
        "| training.frozen_depth | layer4 |",
        "trained further from their last stage (layer4) on",
        "![roc](figures/roc.png)",
    ):
        assert phrase in card
    assert "No external" not in card
    load_model_directory(model.path)  # the manifest knows the new card


def test_figures_on_the_training_data_are_called_so(model: ModelDirectory) -> None:
    report = evaluation(model.manifest, dataset_sha256=model.manifest.training.dataset_sha256)
    (model.path / "evaluation.json").write_text(report.model_dump_json())
    card = render_card(model.manifest, read_run(model.path, model.manifest))
    assert "## On its own training data" in card
    assert "No external" in card


@pytest.mark.parametrize("changes", [{"version": "9.9.9"}, {"model": "another"}])
def test_figures_of_another_model_are_not_taken(model: ModelDirectory, changes: dict[str, str]) -> None:
    (model.path / "evaluation.json").write_text(evaluation(model.manifest, **changes).model_dump_json())
    with pytest.raises(CardError, match="not of this model"):
        read_run(model.path, model.manifest)


def test_damaged_evaluation_is_said(model: ModelDirectory) -> None:
    (model.path / "evaluation.json").write_text("{")
    result = CliRunner().invoke(app, ["card", str(model.path)])
    assert result.exit_code == 1
    assert "cannot be read" in result.output
