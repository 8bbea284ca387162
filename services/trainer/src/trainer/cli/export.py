"""``ictus-train export``."""

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import ModelFolder, spoken_errors


def export(model: ModelFolder) -> None:
    """Make `model.onnx` again from `weights.pt`, and renew card, golden predictions and digests.

    For a directory whose weights are kept and whose graph is to follow a newer exporter.
    """
    from trainer.build import export_again  # noqa: PLC0415 (torch takes seconds to import)

    with spoken_errors():
        renewed = export_again(load_model_directory(model))
    typer.echo(renewed.sha256)
