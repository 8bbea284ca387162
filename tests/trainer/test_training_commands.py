import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainer.cli import app
from trainer.data import load_dataset
from trainer.recipe import Recipe
from trainer.training.tuning import Tuning

COMMANDS = {
    "train": ["OUTPUT", "--version", "1.0.0"],
    "cross-validate": [],
    "tune": ["OUTPUT"],
}


def invoke(folder: Path, command: str, tmp_path: Path, *options: str) -> tuple[int, str, str]:
    arguments = [str(tmp_path / "output") if a == "OUTPUT" else a for a in COMMANDS[command]]
    cache = ["--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(app, [command, str(folder), *arguments, *cache, *options])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_dry_run_says_what_would_be_done_and_writes_nothing(
    command: str, phantom_folder: Path, tmp_path: Path
) -> None:
    code, out, told = invoke(phantom_folder, command, tmp_path, "--dry-run")
    assert code == 0
    assert "48 slices of 16 patients, 24 with stroke" in told
    assert "fold 5:" in told
    (Tuning if command == "tune" else Recipe).model_validate_json(out)
    assert not list(tmp_path.iterdir())


def test_train_takes_the_patients_of_a_frozen_test_set(phantom_folder: Path, tmp_path: Path) -> None:
    patients = sorted(set(load_dataset(phantom_folder).patients))
    file = tmp_path / "test-set.txt"
    file.write_text("\n".join(patients[:2]))
    code, out, _ = invoke(phantom_folder, "train", tmp_path, "--test-set", str(file), "--dry-run")
    assert code == 0
    assert len(Recipe.model_validate_json(out).test_patients) == 2
    assert not any(f'"{patient}"' in out for patient in patients)
    file.write_text("nobody-here")
    code, out, told = invoke(phantom_folder, "train", tmp_path, "--test-set", str(file), "--dry-run")
    assert code == 1
    assert "does not have" in told + out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "ictus-train" in done.stdout or "torchrun" in done.stdout


def test_recipe_file_changes_only_what_it_names(phantom_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(
        '{"preprocess": {"size": 256, "intracranial": {}}, "training": {"frozen_depth": "layer4"}}'
    )
    code, out, _ = invoke(phantom_folder, "cross-validate", tmp_path, "--recipe", str(file), "--dry-run")
    assert code == 0
    stated, standard = json.loads(out), json.loads(Recipe().model_dump_json())
    assert stated["preprocess"]["windows"] == standard["preprocess"]["windows"]
    assert stated["preprocess"]["size"] == 256
    assert stated["preprocess"]["intracranial"]["bone"] == 235
    assert stated["training"] == standard["training"] | {"frozen_depth": "layer4"}


@pytest.mark.parametrize("content", ["[]", "{", '{"training": {"epochs": 0}}', '{"heads": 3}'])
def test_what_is_no_recipe_is_refused(content: str, phantom_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(content)
    code, out, _ = invoke(phantom_folder, "cross-validate", tmp_path, "--recipe", str(file), "--dry-run")
    assert code != 0
    assert not out
