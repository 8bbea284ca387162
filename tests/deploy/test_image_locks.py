"""The environment of the tests has every package; an image has those of its lock alone. Do they hold what its code imports?"""

import ast
import re
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "packages/ictus/src"
OWN = {"ictus", "gateway", "feedback", "inference", "trainer"}
MORE_LOCKS = {"trainer": ["torch", "torch-extras"]}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def packages_by_file():
    """The packages that bring a file; some share files, such as MLflow and its skinny self."""
    owners = {}
    for distribution in distributions():
        package = normal(distribution.name)
        for line in (distribution.read_text("RECORD") or "").splitlines():
            owners.setdefault(line.split(",")[0], set()).add(package)
    return owners


@cache
def packages_by_first_name():
    first = {}
    for file, packages in packages_by_file().items():
        first.setdefault(re.split(r"[/.]", file)[0], set()).update(packages)
    return first


def packages_of(module):
    """The packages that have a module; where a compiled part has another ending, those that share its first name."""
    path = module.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py"):
        if file in packages_by_file():
            return packages_by_file()[file]
    return packages_by_first_name().get(module.partition(".")[0], set())


@cache
def imports(file):
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            if node.module.partition(".")[0] in OWN:
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def library_files(module):
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = LIBRARY.joinpath(*parts[:end])
        yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())


def imported_by(service):
    waiting, seen, foreign = set((REPOSITORY / "services" / service / "src").rglob("*.py")), set(), set()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        for module in imports(file):
            name = module.partition(".")[0]
            if name == "ictus":
                waiting |= set(library_files(module)) - seen
            elif name not in OWN and name not in sys.stdlib_module_names:
                foreign.add(module)
    return foreign


@cache
def locked(service):
    texts = [
        (REPOSITORY / f"requirements/{lock}.txt").read_text()
        for lock in (service, *MORE_LOCKS.get(service, []))
    ]
    return {
        normal(name)
        for text in texts
        for name in re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[.*?\])?==", text, re.M)
    }


@pytest.mark.parametrize("service", ["gateway", "feedback", "inference", "trainer"])
def test_lock_of_an_image_holds_what_its_code_imports(service):
    modules = imported_by(service)
    assert "pydantic" in modules
    missing = {module for module in modules if not packages_of(module) & locked(service)}
    assert not missing
