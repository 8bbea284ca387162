"""``ictus-train publish``."""

from pathlib import Path
from typing import Annotated

import typer

from ictus.model.manifest import load_model_directory
from trainer.cli.console import DryRun, ModelFolder, console, spoken_errors
from trainer.settings import command_settings


def publish(
    model: ModelFolder,
    mlflow_url: Annotated[str | None, typer.Option(help="The registry; else ICTUS_MLFLOW_URL.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Private key, PEM; else ICTUS_MODEL_PRIVATE_KEY."),
    ] = None,
    promote: Annotated[bool, typer.Option(help="Make it the champion even when there is one.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Sign a model directory and register it in MLflow.

    Every file is verified against the manifest, and the manifest is signed with this installation's private key
    before anything is sent: inference workers load nothing that their public key does not vouch for. Beside the
    model, the run keeps parameters, figures, curves, the data set's digest, the code's version, and every file
    of the directory that the manifest does not name (`figures/`, `evaluation.json`...).

    The first version becomes the champion, which answers; a later one the challenger. With ICTUS_REDIS_URL set,
    the inference workers are told at once; otherwise they notice at their next poll.

    The local stack and `make secrets` make a key pair. By hand:

        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out model-signing.pem
        openssl pkey -in model-signing.pem -pubout -out model-signing.pub

    For example:

        ictus-train publish models/next --dry-run
        ictus-train publish models/next --mlflow-url http://127.0.0.1:5000 --key model-signing.pem --promote
    """
    from trainer.publish import Publisher, model_bell  # noqa: PLC0415 (MLflow's client takes seconds to import)
    from trainer.run_record import run_record  # noqa: PLC0415
    from trainer.sign import public_key_of  # noqa: PLC0415

    settings = command_settings()
    address = mlflow_url or settings.mlflow_url
    if address is None:
        raise typer.BadParameter("Name the registry: --mlflow-url or ICTUS_MLFLOW_URL.")
    secret = settings.model_private_key
    private_key = key.read_text(encoding="ascii") if key else secret.get_secret_value() if secret else None
    if private_key is None:
        raise typer.BadParameter("Name the key to sign with: --key or ICTUS_MODEL_PRIVATE_KEY.")
    redis = settings.redis_url
    publisher = Publisher(
        address,
        settings.model_name,
        private_key,
        ring=model_bell(redis.get_secret_value()) if redis else _no_bell,
    )
    with spoken_errors():
        if dry_run:
            public_key_of(private_key)
            directory = load_model_directory(model)
            record = run_record(directory)
            console.print(
                f"{directory.manifest.name} {directory.manifest.version}, sha256 {directory.sha256}"
            )
            console.print(
                f"would be signed and registered as {settings.model_name} at {address}", markup=False
            )
            console.print(f"files: {', '.join(directory.manifest.files)}", markup=False)
            console.print(
                f"kept beside it: {', '.join(f.name for f in record.files) or 'nothing'}", markup=False
            )
            return
        published = publisher.publish(model, promote=promote)
    state = "the champion" if published.is_champion else "registered as challenger"
    typer.echo(f"{published.version}: {state}")


def _no_bell() -> None:
    """Nobody to tell."""
