"""Send many files through intake, each as an upload of its own, and show what became of them.

    python -m ictus.imaging.sweep PATH... [--pydicom] [--together]

``--pydicom`` adds every file of the ``pydicom`` and ``pydicom-data`` packages. ``--together`` takes each
folder as one upload as well. Ends with 1 when anything but an outcome or an ``IntakeError`` came back.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ictus.domain.errors import IntakeError
from ictus.imaging.intake import IntakeOutcome, IntakeRequest, run_intake

UNEXPECTED = "UNEXPECTED"


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of one upload: ``verdict`` is ``accepted``, an error's code or ``UNEXPECTED``."""

    name: str
    verdict: str
    detail: str
    seconds: float


def package_files() -> list[Path]:
    """Every data file of the PyPI packages ``pydicom`` (its test files) and ``pydicom-data``."""
    folders = []
    for package, inside in (("pydicom", "data/test_files"), ("data_store", "data")):
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            folders.append(Path(found.origin).parent / inside)
    return sorted(path for folder in folders for path in folder.rglob("*") if _is_data(path))


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The files at or below the paths."""
    for path in paths:
        if path.is_dir():
            yield from sorted(inner for inner in path.rglob("*") if _is_data(inner))
        else:
            yield path


def sweep(uploads: Iterable[tuple[str, tuple[Path, ...]]]) -> Iterator[Swept]:
    """Take each (name, files) through intake."""
    for name, paths in uploads:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="ictus-sweep-") as workdir:
            try:
                outcome = run_intake(IntakeRequest(paths, b"sweep" * 8, Path(workdir)))
                verdict, detail = "accepted", _summary(outcome)
            except IntakeError as error:
                verdict, detail = error.code, " ".join([error.detail, *getattr(error, "__notes__", [])])
            except Exception as error:
                verdict, detail = UNEXPECTED, repr(error)
        yield Swept(name, verdict, detail, time.perf_counter() - started)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m ictus.imaging.sweep", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--pydicom", action="store_true", help="add the files of pydicom and pydicom-data")
    parser.add_argument("--together", action="store_true", help="take each folder as one upload as well")
    asked = parser.parse_args()
    files = [*files_of(asked.paths), *(package_files() if asked.pydicom else [])]
    uploads: list[tuple[str, tuple[Path, ...]]] = [(path.name, (path,)) for path in files]
    if asked.together:
        folders = sorted({path.parent for path in files})
        uploads += [
            (f"{folder.name}/", tuple(path for path in files if path.parent == folder)) for folder in folders
        ]
    verdicts: Counter[str] = Counter()
    slowest = 0.0
    for swept in sweep(uploads):
        verdicts[swept.verdict] += 1
        slowest = max(slowest, swept.seconds)
        sys.stdout.write(f"{swept.name:<48.48} {swept.verdict:<24} {swept.seconds:5.1f} s  {swept.detail}\n")
    total = " · ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
    sys.stdout.write(f"{sum(verdicts.values())} uploads: {total}; slowest {slowest:.1f} s\n")
    return 1 if verdicts[UNEXPECTED] else 0


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts


def _summary(outcome: IntakeOutcome) -> str:
    series = "; ".join(
        " ".join([one.description, "x".join(map(str, one.shape)), one.units.value, *one.warnings])
        for one in outcome.series
    )
    held = f" | held: {', '.join(outcome.hold_reasons)}" if outcome.hold_reasons else ""
    left = Counter(note.code for note in outcome.left_out)
    out = f" | left out: {', '.join(f'{code} {count}' for code, count in left.items())}" if left else ""
    return series + held + out


if __name__ == "__main__":
    sys.exit(main())
