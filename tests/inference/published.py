"""A registry that a test changes as it likes; the worker's side of it is the real one."""

import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

from ictus.domain.errors import NotFoundError, UnavailableError
from ictus.model.manifest import WEIGHTS_FILE, ModelDirectory, load_model_directory


@dataclass
class Published:
    """A registry: model directories by version, and which of them is the champion."""

    versions: dict[str, Path]
    best: str | None = None
    answers: bool = True
    fetched: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)

    def champion(self) -> str | None:
        self.asked.set()
        if not self.answers:
            raise UnavailableError
        return self.best

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        if not self.answers:
            raise UnavailableError
        if version not in self.versions:
            raise NotFoundError(f"Model version {version} is not registered.")
        self.fetched.append(version)
        shutil.copytree(self.versions[version], into / version)
        return load_model_directory(into / version)


def damage(folder: Path) -> None:
    """Turn one bit of the weights."""
    weights = folder / WEIGHTS_FILE
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
