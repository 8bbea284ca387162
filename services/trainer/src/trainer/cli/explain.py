"""``ictus-train explain``."""

import json
from math import isfinite
from pathlib import Path
from typing import Annotated, Final

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import DryRun, ModelFolder, console, spoken_errors

_STANDARD: Final = "gradcam,gradcam++,layercam,hirescam,eigencam"


def explain(
    model: ModelFolder,
    pictures: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="PNG or JPEG pictures of head CT slices."),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the overlays; made when absent.")] = Path(
        "explained"
    ),
    methods: Annotated[
        str,
        typer.Option(help="Methods of the grad-cam package to compare with, joined by commas; '' for none."),
    ] = _STANDARD,
    dry_run: DryRun = False,
) -> None:
    """Draw where the network looked: one PNG and SVG for each picture, one panel for each method.

    The first panels are the heatmaps that Ictus serves: Grad-CAM of the stroke logit in closed form, of both
    backbones together and of each alone. The others come from the grad-cam package: gradcam, gradcam++,
    xgradcam, hirescam, layercam, eigencam, eigengradcam, and, minutes for each picture, scorecam and ablationcam.
    The number beside a method is its cosine similarity with the closed form; on standard output stand
    probability and similarities as JSON.

    A heatmap shows what moved the score. It is not the outline of a lesion, and where nothing was found it shows
    weak evidence only.

        ictus-train explain models/starter slice1.png slice2.png --output explained --methods gradcam,layercam
    """
    chosen = [name for name in methods.split(",") if name]
    with spoken_errors():
        directory = load_model_directory(model)
        if dry_run:
            console.print(f"{len(pictures)} pictures, {directory.manifest.name} {directory.manifest.version}")
            console.print(
                f"would write {', '.join(f'{p.stem}.png' for p in pictures)} to {output}", markup=False
            )
            return
        from trainer.explain import Explainer, draw  # noqa: PLC0415 (torch takes seconds to import)

        explainer = Explainer(directory, chosen)
        said = []
        for picture in pictures:
            explanation = explainer.explain(picture)
            file = draw(explanation, output)
            console.print(str(file), markup=False)
            similarity = {k: v if isfinite(v) else None for k, v in explanation.similarity.items()}
            said.append(
                {"picture": picture.name, "probability": explanation.probability, "similarity": similarity}
            )
    typer.echo(json.dumps(said, indent=2))
