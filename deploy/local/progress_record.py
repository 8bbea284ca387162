"""Which once-only steps of a start were done for what is there now, so that the next start skips them."""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_MADE_FROM: Final[Mapping[str, str]] = {
    "gateway-tables": "services/gateway/src/gateway/migrations/**/*.py",
    "feedback-tables": "services/feedback/src/feedback/migrations/**/*.py",
    "first-admin": "",
    "starter-model": "models/starter/manifest.json",
}
_SIGNED_WITH: Final = "secrets/model-signing.pub"
"""Of the data folder: with another key the starter model is to be published, and so signed, again."""


class ProgressRecord:
    """A JSON file in the data folder: step name → digest of what the step was made from.

    A step counts as done only for the database cluster that it was done in: a new cluster starts anew.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / "steps.json"
        self._cluster = data / "postgres" / "PG_VERSION"
        self._model_key = data / _SIGNED_WITH
        self._lock = threading.Lock()

    def done(self) -> frozenset[str]:
        """Give the steps that need not be done again."""
        known = self._read()
        return frozenset(step for step in _MADE_FROM if step in known and known[step] == self._digest(step))

    def note(self, step: str) -> None:
        """Remember that `step` is done. Steps that are due at every start are not remembered."""
        if step in _MADE_FROM:
            with self._lock:
                self._file.write_text(json.dumps({**self._read(), step: self._digest(step)}, indent=2) + "\n")

    def _read(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads(self._file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return known

    def _digest(self, step: str) -> str:
        digest = hashlib.sha256()
        if self._cluster.exists():
            digest.update(str(self._cluster.stat().st_mtime_ns).encode())
        if step == "starter-model" and self._model_key.exists():
            digest.update(self._model_key.read_bytes())
        pattern = _MADE_FROM[step]
        for path in sorted(_REPOSITORY.glob(pattern)) if pattern else []:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()
