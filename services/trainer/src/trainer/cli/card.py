"""``ictus-train card``."""

import sys
from typing import Annotated

import typer

from ictus.model.manifest import CARD_FILE, load_model_directory
from trainer.cli.console import DryRun, ModelFolder, console, spoken_errors


def card(
    model: ModelFolder,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when the card is not what it should be.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write `model-card.md` again, and the manifest with its new digest.

    The card is generated: from the manifest (intended use, data, network, figures with intervals, limits), and,
    where they lie in the directory, from `recipe.json` (how it was trained), `evaluation.json` (figures on other
    data, by group and on worse pictures) and `figures/*.png`. So it cannot say what the run does not.
    A signature made before is void afterwards; publishing signs again.

        ictus-train evaluate models/next ../data/other-hospital --output models/next
        ictus-train card models/next
        ictus-train card models/next --check

    With `--dry-run` the card is printed and nothing is written.
    """
    from trainer.build import describe  # noqa: PLC0415 (torch takes seconds to import)
    from trainer.card import read_run, render_card  # noqa: PLC0415

    with spoken_errors():
        directory = load_model_directory(model)
        text = render_card(directory.manifest, read_run(model, directory.manifest))
        if dry_run:
            typer.echo(text)
        elif not check:
            describe(model, directory.manifest)
        elif (model / CARD_FILE).read_text(encoding="utf-8") != text:
            console.print("The card differs from the manifest and the run; run `ictus-train card`.")
            sys.exit(1)
