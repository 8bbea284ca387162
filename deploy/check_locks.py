"""Check without a network that every lock answers its ``*.in`` and that all locks agree: ``make lint`` runs it."""

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
WHOLE = "dev"
INCLUDED = {"ictus", "inference-worker"}
"""What other ``*.in`` include; not installed by themselves."""
BESIDE_THE_WHOLE = {"torch", "torch-extras", "kubernetes"}
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)", re.MULTILINE)


def wanted(source: Path) -> list[Requirement]:
    """Read the requirements of an ``*.in``, with those that it includes."""
    found: list[Requirement] = []
    for raw in source.read_text().splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("-r "):
            found += wanted(source.parent / line.removeprefix("-r ").strip())
        elif line:
            found.append(Requirement(line))
    return found


def pinned(lock: Path) -> dict[str, str]:
    """Read the versions of a lock by canonical name."""
    return {canonicalize_name(name): version for name, version in _PINNED.findall(lock.read_text())}


def faults() -> list[str]:
    """Say what is wrong, one line each."""
    whole = pinned(FOLDER / f"{WHOLE}.txt")
    found = []
    for lock in sorted(FOLDER.glob("*.txt")):
        versions = pinned(lock)
        source = lock.with_suffix(".in")
        for requirement in wanted(source) if source.exists() else []:
            version = versions.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{lock.name} does not answer `{requirement}` of {source.name}")
        if lock.stem not in BESIDE_THE_WHOLE:
            differing = [name for name, version in versions.items() if whole.get(name, version) != version]
            found += [f"{lock.name} has another version of {name} than {WHOLE}.txt" for name in differing]
    for source in FOLDER.glob("*.in"):
        if source.stem not in INCLUDED and not source.with_suffix(".txt").exists():
            found.append(f"{source.name} has no lock")
    return found


if __name__ == "__main__":
    problems = faults()
    for problem in problems:
        print(problem)
    sys.exit("The locks are not current: run `make lock` and commit." if problems else 0)
