"""What the registry keeps of a training run beside its model: from the files that training left with the model.

Everything in a model directory that the manifest does not name describes the run and is kept as it is:
``figures/``, ``evaluation.json``, the recipe, the data set's manifest. ``history.json`` gives curves too: a JSON
object of figure name to its values, one for each epoch.
"""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ictus.model.manifest import MANIFEST_FILE, ModelDirectory, ModelManifest
from ictus.model.signature import SIGNATURE_FILE
from ictus.registry import RunRecord
from trainer.errors import TrainerError

HISTORY_FILE: Final = "history.json"
_HISTORY: Final = TypeAdapter(dict[str, list[float]])


class RunRecordError(TrainerError):
    """A file beside the model is not what its name promises."""


def run_record(model: ModelDirectory) -> RunRecord:
    """The record of a verified model directory.

    Raises:
        RunRecordError: ``history.json`` does not map names to numbers.
    """
    served = {MANIFEST_FILE, SIGNATURE_FILE, *model.manifest.files}
    files = tuple(
        path
        for path in sorted(model.path.iterdir())
        if path.name not in served and not path.name.startswith(".") and not path.is_symlink()
    )
    return RunRecord(
        parameters=_parameters(model.manifest),
        curves=_curves(model.path / HISTORY_FILE),
        tags={"ictus.code": code_version(), "ictus.licence": model.manifest.licence},
        files=files,
    )


def code_version() -> str:
    """What ``git describe`` says of the checkout that this runs from, else the package's version."""
    package = version("ictus-trainer")
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return package
    return f"{package} ({described.stdout.strip()})"


def _parameters(manifest: ModelManifest) -> dict[str, str]:
    """What decides about the numbers besides architecture and training, which the registry logs itself."""
    blocks = {
        "preprocess": manifest.preprocess,
        "calibration": manifest.calibration,
        "aggregation": manifest.aggregation,
        "decision": manifest.decision,
    }
    members = {
        f"{block}.{name}": json.dumps(value)
        for block, params in blocks.items()
        for name, value in params.model_dump(mode="json").items()
    }
    return {name: value for name, value in members.items() if len(value) <= 6000}


def _curves(history: Path) -> dict[str, list[float]]:
    if not history.is_file():
        return {}
    try:
        return _HISTORY.validate_json(history.read_bytes())
    except ValidationError as error:
        raise RunRecordError(f"{history.name} must be a JSON object of names to lists of numbers.") from error
