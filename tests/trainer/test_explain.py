"""Overlays of the closed form beside the grad-cam package's methods."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.trainer.small_model import manifest, model
from typer.testing import CliRunner

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.manifest import ModelDirectory
from trainer.cli import app
from trainer.explain import OURS, OURS_MOBILENET, OURS_RESNET, Explainer, ExplanationError, draw

__all__ = ["manifest", "model"]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "slice.png"
    cv2.imwrite(str(file), brain_window(head_ct(3, 96, Bleed()), 1))
    return file


def test_maps_lie_on_the_whole_slice_and_agree_with_the_package(
    model: ModelDirectory, picture: Path, tmp_path: Path
) -> None:
    explanation = Explainer(model, ["gradcam", "hirescam", "eigencam"]).explain(picture)
    assert set(explanation.maps) == {OURS, OURS_RESNET, OURS_MOBILENET, "gradcam", "hirescam", "eigencam"}
    for heat in explanation.maps.values():
        assert heat.shape == explanation.picture.shape == (96, 96)
        assert heat.min() >= 0
        assert heat.max() <= 1
    assert 0 <= explanation.probability <= 1
    # Behind the last maps comes an average, so these two methods are the same (Draelos & Carin 2020).
    np.testing.assert_allclose(explanation.maps["gradcam"], explanation.maps["hirescam"], atol=1e-3)
    file = draw(explanation, tmp_path / "out")
    drawn = cv2.imread(str(file))
    assert drawn.shape[1] > 2 * 96
    assert file.with_suffix(".svg").is_file()


def test_package_is_reached_from_a_fresh_process() -> None:
    """It imports torchvision, which does not import beside every torch by itself."""
    code = "import trainer.explain, pytorch_grad_cam as p; assert all(hasattr(p, c) for c in trainer.explain.METHODS.values())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_method_is_named(model: ModelDirectory) -> None:
    with pytest.raises(ExplanationError, match="no method gradcan"):
        Explainer(model, ["gradcan"])


def test_command_draws_and_says_numbers(model: ModelDirectory, picture: Path, tmp_path: Path) -> None:
    arguments = [
        "explain",
        str(model.path),
        str(picture),
        "--output",
        str(tmp_path / "out"),
        "--methods",
        "gradcam",
    ]
    dry = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 0
    assert not (tmp_path / "out").exists()
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (said,) = json.loads(result.stdout)
    assert said["picture"] == "slice.png"
    assert set(said["similarity"]) == {OURS_RESNET, OURS_MOBILENET, "gradcam"}
    assert (tmp_path / "out" / "slice.png").is_file()
