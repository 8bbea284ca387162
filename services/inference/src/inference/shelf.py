"""The model versions on this worker's disk. The workers of one machine may share the folder."""

import os
import re
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from ictus.model.manifest import ModelRefusedError

_LAST_GOOD: Final = "last-good"
_VERSIONS: Final = "versions"
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PART: Final = ".part-*"
_ABANDONED_SECONDS: Final = 3600.0
"""A download that nobody has written to for so long belonged to a worker that was killed."""

KEPT: Final = 3
"""Versions kept: the champion, the one before it for a roll-back, and one that jobs ask for by its name."""


class ModelShelf:
    """Model directories by version. What lies here is verified each time that it is loaded, not here.

    Args:
        root: folder that outlives the process.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.versions = root / _VERSIONS

    def folder(self, version: str) -> Path:
        """Where a version lies, or will lie once it was fetched.

        Raises:
            ModelRefusedError: the version cannot be a folder's name.
        """
        if not _VERSION.fullmatch(version):
            raise ModelRefusedError("The registry names a version that cannot be a folder's name.")
        return self.versions / version

    def discard(self, version: str) -> None:
        """Remove a damaged copy."""
        shutil.rmtree(self.folder(version), ignore_errors=True)

    def last_good(self) -> Path | None:
        """The folder of the champion that answered last; None when there is none, or its files are gone."""
        try:
            version = (self._root / _LAST_GOOD).read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        folder = self.versions / version
        return folder if _VERSION.fullmatch(version) and folder.is_dir() else None

    def remember(self, version: str) -> None:
        """Write down the champion for the next start."""
        part = self._root / f".{_LAST_GOOD}.{os.getpid()}.part"
        part.write_text(version, encoding="ascii")
        part.replace(self._root / _LAST_GOOD)

    def used(self, version: str, *, keep: Collection[str]) -> None:
        """Note that a version was loaded just now, and forget the ones that were not for the longest time.

        Args:
            version: it counts as the newest.
            keep: versions that stay whatever their age.
        """
        with suppress(FileNotFoundError):  # another worker on this disk forgot the same one
            self._forget_oldest(version, keep)

    def _forget_oldest(self, version: str, keep: Collection[str]) -> None:
        (self.versions / version).touch()
        folders = [folder for folder in self.versions.iterdir() if _VERSION.fullmatch(folder.name)]
        folders.sort(key=lambda folder: (folder.name in keep, folder.stat().st_mtime), reverse=True)
        for folder in folders[max(KEPT, len(keep)) :]:
            shutil.rmtree(folder, ignore_errors=True)
        for part in self.versions.glob(_PART):
            if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(part, ignore_errors=True)
