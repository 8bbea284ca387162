"""``python code_digest.py PACKAGE…`` prints a digest of the Python code of each installed package.

The proof runs it inside the containers by its text, so it needs the standard library alone.
"""

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path


def of_folder(folder: Path) -> str:
    """The SHA-256 of every Python file below a folder and of its name, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py")):
        content = (folder / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def main() -> int:
    """Print one line for each package that is named."""
    for name in sys.argv[1:]:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            sys.exit(f"{name} is not installed.")
        sys.stdout.write(f"{of_folder(Path(spec.submodule_search_locations[0]))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
