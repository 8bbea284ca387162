"""Has accidents happen to the containers that the browser tests run on, as ``tests/e2e/control.py`` does to the local stack.

``python control.py FOLDER freeze SERVICE`` pauses a container, ``thaw`` lets it go on; what else there is, is the same.
FOLDER is the proof's, which looks like the local stack's data folder to those who want the objects.
"""

import sys
from pathlib import Path

from tests.containers.compose import Compose
from tests.e2e import control


def main() -> int:
    """Do one thing."""
    folder, do, what = sys.argv[1:]
    if do not in {"freeze", "thaw"}:
        return control.main()
    compose = Compose.load(Path(folder))
    paused = compose.container(what).status == "paused"
    if paused != (do == "freeze"):
        compose.run("pause" if do == "freeze" else "unpause", what)
    return 0


if __name__ == "__main__":
    sys.exit(main())
