"""``ictus-train export``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import DryRun, ModelFolder, console, spoken_errors


def export(
    model: ModelFolder,
    int8: Annotated[
        Path | None,
        typer.Option(
            "--int8",
            metavar="DATA",
            exists=True,
            file_okay=False,
            help="Training data to calibrate an 8-bit graph on.",
        ),
    ] = None,
    compare_on: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            exists=True,
            file_okay=False,
            help="Labelled slices to compare both graphs on; else --int8's.",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Make `model.onnx` again from `weights.pt`, and renew card, golden predictions and digests.

    For a directory whose weights are kept and whose graph is to follow a newer exporter. The graph is checked
    against the network in torch (1e-4) before the old one is replaced.

    With `--int8` an 8-bit graph (QDQ, the convolutions of the ResNet) is made too: `model.int8.onnx`, calibrated on 200
    training pictures. It is served only when ROC-AUC, both sensitivities and the share of suitable slices stay
    within 0.005 of single precision, and the heatmaps alike; otherwise it is removed, the reasons are said, and
    the exit code is 1. The single-precision graph always stays.

        ictus-train export models/next
        ictus-train export models/next --int8 ../data/ct-ich --compare-on ../data/other-hospital
    """
    with spoken_errors():
        directory = load_model_directory(model)
        if dry_run:
            names = ["model.onnx", "golden.json", "model-card.md", "manifest.json"]
            names += ["model.int8.onnx, when it says the same"] if int8 else []
            console.print(f"would write {', '.join(names)} in {model}", markup=False)
            return
        from trainer.build import export_again  # noqa: PLC0415 (torch takes seconds to import)
        from trainer.data import load_dataset  # noqa: PLC0415

        renewed = export_again(directory)
        faults: tuple[str, ...] = ()
        if int8 is not None:
            from trainer.quantise import add_int8  # noqa: PLC0415

            training = load_dataset(int8)
            renewed, faults = add_int8(
                renewed, training, load_dataset(compare_on) if compare_on else training
            )
    typer.echo(renewed.sha256)
    if faults:
        console.print("The 8-bit graph is not served. " + " ".join(faults), markup=False)
        sys.exit(1)
