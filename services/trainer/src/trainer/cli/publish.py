"""``ictus-train publish``."""

from typing import Annotated

import typer

from trainer.cli.console import ModelFolder, spoken_errors
from trainer.settings import CommandSettings


def publish(
    model: ModelFolder,
    mlflow_url: Annotated[str | None, typer.Option(help="The registry; else ICTUS_MLFLOW_URL.")] = None,
    promote: Annotated[bool, typer.Option(help="Make it the champion even when there is one.")] = False,
) -> None:
    """Register a model directory; the first one becomes the champion.

    Every file is verified against the manifest before it is sent. With ICTUS_REDIS_URL set, the inference workers
    are told at once; otherwise they notice at their next poll.
    """
    from ictus.registry import Registry  # noqa: PLC0415 (its client takes seconds to import)
    from trainer.publish import model_bell, publish_model  # noqa: PLC0415

    settings = CommandSettings()
    address = mlflow_url or settings.mlflow_url
    if address is None:
        raise typer.BadParameter("Name the registry: --mlflow-url or ICTUS_MLFLOW_URL.")
    redis = settings.redis_url
    ring = model_bell(redis.get_secret_value()) if redis else _no_bell
    with spoken_errors():
        published = publish_model(Registry(address, settings.model_name), model, ring, promote=promote)
    state = "the champion" if published.is_champion else "registered, not the champion"
    typer.echo(f"{published.version}: {state}")


def _no_bell() -> None:
    """Nobody to tell."""
