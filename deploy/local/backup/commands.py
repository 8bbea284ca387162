"""`ictus-stack backup-key`, `backup` and `restore`."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from local.backup import back_up, installation, new_identity, recipient_of, restore
from local.backup.contents import Manifest
from local.errors import StackError, fail
from local.secret_files import write_private

app = typer.Typer()
Data = Annotated[Path, typer.Option("--data", help="Folder of databases, objects, secrets and logs.")]


@app.command(name="backup-key")
def backup_key(
    output: Annotated[Path, typer.Argument(help="File for the key; it must not exist.")],
) -> None:
    """Make the key that opens backups, and print the public half that they are made with.

    Keep the key away from this machine, in two places: without it no backup can be opened.
    """
    if output.exists():
        fail(f"{output} is there already: a key that backups were made with must not be lost.")
    identity = new_identity()
    recipient = recipient_of(identity)
    write_private(output, f"# public key: {recipient}\n{identity}\n")
    typer.echo(recipient)


@app.command(name="backup")
def backup(
    output: Annotated[Path, typer.Argument(help="File to write, *.age.")],
    recipient: Annotated[
        str,
        typer.Option(envvar="ICTUS_BACKUP_RECIPIENT", help="Public key, age1…, that `backup-key` printed."),
    ],
    data: Data = Path(".local"),
) -> None:
    """Write one encrypted file with databases, objects and keys, while Ictus goes on working."""
    began = time.monotonic()
    try:
        with installation(data) as there:
            manifest = back_up(there, recipient, output, lambda: datetime.now(UTC), _tell)
    except StackError as error:
        fail(str(error))
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {_holds(manifest)}, {size:.1f} MB, {time.monotonic() - began:.0f} s")


@app.command(name="restore")
def restore_command(
    backup_file: Annotated[Path, typer.Argument(metavar="BACKUP", help="File that `backup` wrote.")],
    key: Annotated[Path, typer.Option(help="File of the key that opens it.")],
    data: Annotated[Path, typer.Option(help="Folder to restore into: empty, or not there yet.")],
) -> None:
    """Bring an installation back into an empty folder, and compare every row and object with the backup."""
    began = time.monotonic()
    try:
        manifest = restore(backup_file, key.read_text(), data, _tell)
    except OSError as error:
        fail(f"{key} cannot be read: {error.strerror}.")
    except StackError as error:
        fail(str(error))
    typer.echo(
        f"{data}: {_holds(manifest)}, all as they were at {manifest.created_at:%Y-%m-%d %H:%M} UTC, "
        f"{time.monotonic() - began:.0f} s. `make run DATA={data}` starts it."
    )


def _holds(manifest: Manifest) -> str:
    tables = sum(map(len, manifest.tables.values()))
    return f"{manifest.rows} rows in {tables} tables, {manifest.objects} objects"


def _tell(what: str) -> None:
    typer.echo(f"· {what}", err=True)
