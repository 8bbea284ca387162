"""``ictus-train card``."""

import sys
from typing import Annotated

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import ModelFolder, console, spoken_errors


def card(
    model: ModelFolder,
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit 1 when the card is not what it should be.")
    ] = False,
) -> None:
    """Write `model-card.md` again from the manifest."""
    from trainer.build import describe  # noqa: PLC0415 (torch takes seconds to import)
    from trainer.card import render_card  # noqa: PLC0415

    with spoken_errors():
        directory = load_model_directory(model)
        if not check:
            describe(model, directory.manifest)
        elif (model / "model-card.md").read_text(encoding="utf-8") != render_card(directory.manifest):
            console.print("The card differs from the manifest; run `ictus-train card`.")
            sys.exit(1)
