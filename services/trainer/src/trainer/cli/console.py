"""What the commands share: where they write, their arguments, and how errors reach a person.

What a command answers goes to standard output (a program may read it); everything else to standard error.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from ictus.domain.errors import IctusError
from trainer.errors import TrainerError

console: Final = Console(stderr=True, soft_wrap=True)

DataFolder = Annotated[
    Path,
    typer.Argument(
        exists=True,
        file_okay=False,
        help="A data set: a folder with `dataset.json`, or with `slice_labels.csv` and its pictures.",
    ),
]
ModelFolder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A model directory.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Errors that a person can act on become one line and exit code 1; others keep their traceback."""
    try:
        yield
    except IctusError as error:
        console.print(error.detail, markup=False)
    except (TrainerError, ValidationError) as error:
        console.print(str(error), markup=False)
    else:
        return
    sys.exit(1)
