"""``ictus-train``: train, evaluate, export, describe and publish a model."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from ictus.domain.errors import IctusError
from ictus.model.manifest import load_model_directory
from trainer.settings import CommandSettings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Makes the models that Ictus serves.

A model is a directory: `weights.pt`, `model.onnx`, `manifest.json` and what belongs to them. A usual round:

    ictus-train train ../data/ct-ich models/next --version 0.2.0
    ictus-train evaluate models/next ../data/other-hospital
    ictus-train publish models/next
""",
)
_console = Console(stderr=True, soft_wrap=True)

DataFolder = Annotated[
    Path,
    typer.Argument(exists=True, file_okay=False, help="Folder with `slice_labels.csv` and its pictures."),
]
ModelFolder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A model directory.")]


@app.command()
def train(
    data: DataFolder,
    output: Annotated[
        Path, typer.Argument(help="The model directory to write; one that is there is replaced.")
    ],
    version: Annotated[str, typer.Option(help="Of the model, for example 0.2.0.")],
    name: Annotated[str, typer.Option(help="Of the model.")] = "ictus-starter",
    licence: Annotated[str, typer.Option(help="Under which the weights are given, SPDX.")] = "Apache-2.0",
    recipe: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON of what differs from the standard recipe."),
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Folder of ImageNet weights; else ICTUS_PRETRAINED_DIR, else torch.hub."),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where embeddings are kept between runs.")] = Path(
        ".cache/ictus-train"
    ),
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and stop.")] = False,
) -> None:
    """Cross-validate by patient, fit on all patients, calibrate, export and describe.

    The backbones are frozen: each picture goes through them once and its embedding is kept, so that a second
    run with another head takes minutes. The standard recipe is printed by `--dry-run`; a recipe file holds only
    what differs, for example `{"preprocess": {"size": 256}, "head": {"epochs": 40}}`.
    """
    from trainer.data import load_dataset  # noqa: PLC0415 (torch takes seconds to import)
    from trainer.recipe import Recipe  # noqa: PLC0415

    with _spoken_errors():
        chosen = Recipe.model_validate_json(recipe.read_bytes()) if recipe else Recipe()
        dataset = load_dataset(data)
        _console.print(
            f"{len(dataset.slices)} slices of {len(set(dataset.patients))} patients, {dataset.labels.sum()} with stroke"
        )
        if dry_run:
            typer.echo(chosen.model_dump_json(indent=2))
            return
        from trainer.build import ModelIdentity, build_model  # noqa: PLC0415

        model = build_model(
            dataset,
            chosen,
            ModelIdentity(name, version, licence, datetime.now(UTC).replace(microsecond=0)),
            pretrained=pretrained or CommandSettings().pretrained_dir,
            cache=cache,
            output=output,
            report=_console.print,
        )
    for metric in model.manifest.metrics:
        _console.print(
            f"{metric.level:5} {metric.name:24} {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"
        )
    typer.echo(model.sha256)


@app.command()
def evaluate(
    model: ModelFolder,
    data: DataFolder,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Run a model's graph over labelled slices it has not seen, and print the figures as JSON.

    Calibration and limits are the manifest's. Slices of the training set give figures that mean nothing.
    """
    from trainer.data import load_dataset  # noqa: PLC0415
    from trainer.evaluate import evaluate_directory  # noqa: PLC0415

    with _spoken_errors():
        metrics = evaluate_directory(load_model_directory(model), load_dataset(data), seed)
    typer.echo(json.dumps([metric.model_dump() for metric in metrics], indent=2))


@app.command()
def export(model: ModelFolder) -> None:
    """Make `model.onnx` again from `weights.pt`, and renew card, golden predictions and digests.

    For a directory whose weights are kept and whose graph is to follow a newer exporter.
    """
    from trainer.build import export_again  # noqa: PLC0415

    with _spoken_errors():
        renewed = export_again(load_model_directory(model))
    typer.echo(renewed.sha256)


@app.command()
def card(
    model: ModelFolder,
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit 1 when the card is not what it should be.")
    ] = False,
) -> None:
    """Write `model-card.md` again from the manifest."""
    from trainer.build import describe  # noqa: PLC0415
    from trainer.card import render_card  # noqa: PLC0415

    with _spoken_errors():
        directory = load_model_directory(model)
        if not check:
            describe(model, directory.manifest)
        elif (model / "model-card.md").read_text(encoding="utf-8") != render_card(directory.manifest):
            _console.print("The card differs from the manifest; run `ictus-train card`.")
            sys.exit(1)


@app.command()
def publish(
    model: ModelFolder,
    mlflow_url: Annotated[str | None, typer.Option(help="The registry; else ICTUS_MLFLOW_URL.")] = None,
    promote: Annotated[bool, typer.Option(help="Make it the champion even when there is one.")] = False,
) -> None:
    """Register a model directory; the first one becomes the champion.

    Every file is verified against the manifest before it is sent. With ICTUS_REDIS_URL set, the inference workers
    are told at once; otherwise they notice at their next poll.
    """
    from ictus.registry import Registry  # noqa: PLC0415
    from trainer.publish import model_bell, publish_model  # noqa: PLC0415

    settings = CommandSettings()
    address = mlflow_url or settings.mlflow_url
    if address is None:
        raise typer.BadParameter("Name the registry: --mlflow-url or ICTUS_MLFLOW_URL.")
    redis = settings.redis_url
    ring = model_bell(redis.get_secret_value()) if redis else _no_bell
    with _spoken_errors():
        published = publish_model(Registry(address, settings.model_name), model, ring, promote=promote)
    state = "the champion" if published.is_champion else "registered, not the champion"
    typer.echo(f"{published.version}: {state}")


def _no_bell() -> None:
    """Nobody to tell."""


@contextmanager
def _spoken_errors() -> Iterator[None]:
    """Errors that a person can act on become one line and exit code 1."""
    from trainer.data import DatasetError  # noqa: PLC0415
    from trainer.network import PretrainedWeightsError  # noqa: PLC0415

    try:
        yield
    except IctusError as error:
        _console.print(error.detail, markup=False)
    except (DatasetError, PretrainedWeightsError, ValidationError) as error:
        _console.print(str(error), markup=False)
    else:
        return
    sys.exit(1)


if __name__ == "__main__":
    app()
