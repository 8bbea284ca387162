"""Models on this worker's disk: found through the registry, verified, and swapped between jobs.

A thread asks the registry for the champion, at once when somebody rings and now and then anyway. A new
champion is fetched, verified, loaded and tried out beside the one that is answering; only then does it
take over, for the next job. Whatever goes wrong on the way, the present model goes on answering. The last
good version is remembered on disk, so a worker starts without the registry.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

import numpy as np
import structlog

from ictus.domain.errors import IctusError, UnavailableError
from ictus.model.manifest import ModelDirectory, ModelRefusedError, load_model_directory
from ictus.model.signature import load_signed_model_directory
from ictus.model.suitability import EmbeddingStatistics, load_statistics
from inference.engine import Engine, EngineOptions

_log = structlog.get_logger(__name__)

_LAST_GOOD: Final = "last-good"
_VERSIONS: Final = "versions"
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEPT: Final = 2
"""Versions kept on disk: the champion, and the one before it for a roll-back."""


class ModelUnavailableError(UnavailableError):
    """No model is loaded yet."""

    code: ClassVar[str] = "model_unavailable"
    title: ClassVar[str] = "No model is ready yet. Analysis starts by itself as soon as one is."


class ModelSource(Protocol):
    """What is asked of the registry (``ictus.registry``)."""

    def champion(self) -> str | None:
        """The version that should answer; None when none was promoted yet."""

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        """Bring a version's directory to ``into/<version>``, whole and verified."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified model that is ready to answer.

    Attributes:
        directory: files and manifest.
        engine: the loaded network.
        statistics: of the embedding check; None when the manifest has none.
    """

    directory: ModelDirectory
    engine: Engine
    statistics: EmbeddingStatistics | None

    @property
    def version(self) -> str:
        """The version, as the registry and the manifest name it."""
        return self.directory.manifest.version


def load_model(path: Path, options: EngineOptions, public_key: str | None = None) -> LoadedModel:
    """Verify a model directory, load its network and try it on one blank slice.

    Args:
        path: the directory.
        options: how the network runs here.
        public_key: PEM of whoever may release models; None takes a directory of one's own without a signature.

    Raises:
        ModelRefusedError: it is not signed with the key, a file is missing or changed, or the graph does not do
            what the manifest says.
    """
    directory = (
        load_model_directory(path) if public_key is None else load_signed_model_directory(path, public_key)
    )
    manifest = directory.manifest
    engine = Engine(directory.graph, options)
    size = manifest.preprocess.size
    try:
        output = engine.run(np.zeros((1, 3, size, size), dtype=np.float32))
    except Exception as error:  # the runtime's error classes share no public base
        raise ModelRefusedError("The model's graph does not run.") from error
    if (output.logits.shape, output.embedding.shape) != (
        (1, len(manifest.classes)),
        (1, manifest.embedding_size),
    ):
        raise ModelRefusedError("The model's graph does not fit its manifest.")
    limits = manifest.suitability.embedding
    return LoadedModel(directory, engine, load_statistics(path, limits) if limits is not None else None)


class ModelStore:
    """The models of this worker. ``current`` may be called from any thread and never waits.

    Args:
        root: folder for the models; may be shared by the workers of one machine.
        open_registry: called in the watching thread at the first look, because the client is slow to import.
        options: how networks run here.
        public_key: PEM of whoever may release models; None loads unsigned ones too.
        poll_seconds: time between two looks at the registry.
        refused_seconds: how long a version that was refused is not tried again.
        monotonic: clock in seconds.
    """

    def __init__(
        self,
        root: Path,
        open_registry: Callable[[], ModelSource],
        options: EngineOptions,
        *,
        public_key: str | None,
        poll_seconds: float = 30.0,
        refused_seconds: float = 600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._open_registry = open_registry
        self._options = options
        self._public_key = public_key
        self._poll_seconds = poll_seconds
        self._refused_seconds = refused_seconds
        self._monotonic = monotonic
        self._registry: ModelSource | None = None
        self._current: LoadedModel | None = None
        self._refused: dict[str, float] = {}
        self._loading = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._current is not None

    def current(self) -> LoadedModel:
        """The model that answers now. Hold on to it for a whole job: a swap only concerns the next one.

        Raises:
            ModelUnavailableError: none is loaded yet.
        """
        model = self._current
        if model is None:
            raise ModelUnavailableError
        return model

    def version(self, wanted: str | None) -> LoadedModel:
        """The model that a job asks for; None is the present one. Another version is loaded for this job.

        Raises:
            ModelUnavailableError: nothing is loaded, or the registry does not answer.
            ModelRefusedError: that version's files are damaged.
        """
        model = self._current
        if wanted is None or (model is not None and model.version == wanted):
            return self.current()
        with self._loading:
            return self._obtain(wanted)

    def load_last_good(self) -> None:
        """Load the model that answered last, if it is on disk and whole."""
        try:
            version = (self._root / _LAST_GOOD).read_text(encoding="ascii").strip()
            folder = self._root / _VERSIONS / version
            if not _VERSION.fullmatch(version) or not folder.is_dir():
                return
            self._current = self._load(folder)
        except FileNotFoundError:
            return
        except (ModelRefusedError, UnicodeDecodeError) as error:
            _log.warning("last_good_model_refused", reason=str(error))
            return
        _log.info("model_loaded_from_disk", version=version)

    def start(self) -> None:
        """Load the last good model from disk, if there is one, and begin to watch the registry."""
        self.load_last_good()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watching thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """Look at the registry now, and give refused versions another chance."""
        self._refused.clear()
        self._wake.set()

    def refresh(self) -> bool:
        """Look at the registry once; whether another model answers from now on.

        Raises:
            IctusError: the registry does not answer, or the champion's files are refused. The present model
                stays.
        """
        with self._loading:
            if self._registry is None:
                self._registry = self._open_registry()
            champion = self._registry.champion()
            present = self._current.version if self._current else None
            if champion is None or champion == present or self._is_refused(champion):
                return False
            try:
                model = self._obtain(champion)
            except ModelRefusedError:
                self._refused[champion] = self._monotonic()
                raise
            self._current = model
            self._remember(champion)
        _log.info("model_swapped", version=champion, before=present, sha256=model.directory.sha256)
        return True

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except IctusError as error:
                _log.warning("model_not_refreshed", code=error.code, detail=error.detail)
            except Exception:
                # This thread must outlive whatever the registry's client raises: the model goes on answering.
                _log.exception("model_refresh_failed")
            self._wake.wait(self._poll_seconds)
            self._wake.clear()

    def _is_refused(self, version: str) -> bool:
        since = self._refused.get(version)
        return since is not None and self._monotonic() - since < self._refused_seconds

    def _obtain(self, version: str) -> LoadedModel:
        """Load a version from disk, fetching it first when it is not there or was damaged there."""
        if not _VERSION.fullmatch(version):
            raise ModelRefusedError("The registry names a version that cannot be a folder's name.")
        versions = self._root / _VERSIONS
        folder = versions / version
        if folder.is_dir():
            try:
                return self._load(folder)
            except ModelRefusedError as error:
                _log.warning("cached_model_refused", version=version, detail=error.detail)
                shutil.rmtree(folder, ignore_errors=True)
        if self._registry is None:
            self._registry = self._open_registry()
        return self._load(self._registry.fetch(version, versions).path)

    def _load(self, folder: Path) -> LoadedModel:
        return load_model(folder, self._options, self._public_key)

    def _remember(self, version: str) -> None:
        """Write down the version for the next start, and forget the oldest ones."""
        part = self._root / f".{_LAST_GOOD}.{os.getpid()}.part"
        part.write_text(version, encoding="ascii")
        part.replace(self._root / _LAST_GOOD)
        folders = [folder for folder in (self._root / _VERSIONS).iterdir() if folder.is_dir()]
        (self._root / _VERSIONS / version).touch()
        folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in folders[_KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)
